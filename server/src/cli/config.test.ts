import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import { newMasterKey } from '../vault/master-keys.ts'
import { ConfigError, readConfig } from './config.ts'

test('all mistakes are told at once, each with its variable', () => {
  const env = {
    DAYBOOK_PORT: '70000',
    DAYBOOK_ROLES: 'api,cook',
    DAYBOOK_OPERATOR_KEY: 'short',
    DAYBOOK_RETRY_SCHEDULE: '1,x',
    DAYBOOK_EGRESS_PROXY: 'socks5://proxy:1080',
    DAYBOOK_EGRESS_CA_FILE: '/nowhere/ca.pem',
    DAYBOOK_DNS_SERVERS: 'dns.example',
    DAYBOOK_LOG_LEVEL: 'loud',
    DAYBOOK_PROT: '4380',
  }
  assert.throws(
    () => readConfig(env),
    (error) => {
      assert.ok(error instanceof ConfigError)
      const [, ...lines] = error.message.split('\n')
      assert.deepEqual(new Set(lines.map((line) => line.trim().split(':')[0])), new Set(Object.keys(env)))
      return true
    },
  )
})

test('a secret is not repeated in the message about it', () => {
  const secret = 'not-long-enough'
  assert.throws(
    () => readConfig({ DAYBOOK_OPERATOR_KEY: secret }),
    ({ message }: Error) => !message.includes(secret),
  )
})

test('master keys are read in their order, and shown to nobody who prints the configuration', () => {
  const [newest = '', older = '', oldest = ''] = Array.from({ length: 3 }, newMasterKey)
  const env = { DAYBOOK_MASTER_KEY: newest, DAYBOOK_MASTER_KEY_PREVIOUS: `${older}, ${oldest}` }
  const config = readConfig(env)
  const texts = config.masterKeys?.reveal().keys.map((key) => Buffer.from(key).toString('base64'))
  assert.deepEqual(texts, [newest, older, oldest])
  for (const printed of [inspect(config, { depth: 9, showHidden: true }), JSON.stringify(config)]) {
    assert.match(printed, /\*\*\*/)
    for (const { keys } of [config.masterKeys?.reveal() ?? { keys: [] }]) {
      for (const key of keys) assert.ok(!printed.includes([...key].slice(0, 4).join(', ')))
    }
  }
  assert.equal(readConfig({}).masterKeys, undefined)
})

test('a master key with a mistake in it is refused, without its text', () => {
  const key = newMasterKey()
  const mistakes: readonly Readonly<Record<string, string>>[] = [
    { DAYBOOK_MASTER_KEY: key.slice(1) },
    { DAYBOOK_MASTER_KEY: `${key},${newMasterKey()}` },
    { DAYBOOK_MASTER_KEY_PREVIOUS: key },
    { DAYBOOK_MASTER_KEY: key, DAYBOOK_MASTER_KEY_PREVIOUS: `${key},` },
    { DAYBOOK_MASTER_KEY: key, DAYBOOK_MASTER_KEY_FILE: 'master.key' },
  ]
  for (const env of mistakes) {
    assert.throws(
      () => readConfig(env),
      (error) => error instanceof ConfigError && !error.message.includes(key.slice(1, 9)),
    )
  }
})

test('the variables of the commands that talk to a server do not disturb the server', () => {
  assert.equal(readConfig({ DAYBOOK_URL: 'http://127.0.0.1:1', DAYBOOK_API_KEY: 'k', PATH: '/bin' }).port, 4_380)
})

test('where webhooks go through and what they trust is read at the start', () => {
  const file = new URL('../../test/support/tls/authority.pem', import.meta.url)
  const config = readConfig({
    DAYBOOK_EGRESS_PROXY: 'http://user:pass@proxy.internal:3128',
    DAYBOOK_EGRESS_CA_FILE: fileURLToPath(file),
    DAYBOOK_DNS_SERVERS: 'proxy',
  })
  const authorization = `Basic ${Buffer.from('user:pass').toString('base64')}`
  assert.deepEqual(config.egressProxy, { host: 'proxy.internal', port: 3_128, authorization })
  assert.equal(config.egressCa, readFileSync(file, 'utf8'))
  assert.equal(config.dnsServers, 'proxy')
  const { egressProxy, egressCa, dnsServers } = readConfig({
    HTTP_PROXY: 'http://10.0.0.1:1',
    HTTPS_PROXY: 'http://10.0.0.1:1',
  })
  assert.deepEqual([egressProxy, egressCa, dnsServers], [undefined, undefined, []])
})

test('what is wrong with an authority file, and with names left to no proxy, is said', () => {
  const message = (env: Record<string, string>): string => {
    try {
      readConfig(env)
    } catch (error) {
      if (error instanceof ConfigError) return error.message
    }
    return assert.fail('it was taken')
  }
  assert.match(
    message({ DAYBOOK_EGRESS_CA_FILE: '/nowhere/ca.pem' }),
    /CA_FILE: \/nowhere\/ca\.pem cannot be read \(ENOENT\)/,
  )
  const itself = fileURLToPath(import.meta.url)
  assert.match(message({ DAYBOOK_EGRESS_CA_FILE: itself }), /CA_FILE: holds no certificate in PEM form/)
  assert.match(message({ DAYBOOK_DNS_SERVERS: 'proxy' }), /DNS_SERVERS: proxy needs DAYBOOK_EGRESS_PROXY/)
  assert.doesNotMatch(message({ DAYBOOK_EGRESS_PROXY: 'ftp://user:hidden@proxy' }), /hidden/)
})

import assert from 'node:assert/strict'
import { chmod, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { verifyWebhook } from '@daybook/sdk'
import { newMasterKey, parseMasterKey } from '../../src/vault/master-keys.ts'
import { toVaultKey } from '../../src/vault/vault-key.ts'
import { call, textOf } from '../support/api.ts'
import { runDaybook, startDaybook } from '../support/daybook-process.ts'
import { testDatabase } from '../support/database.ts'
import type { ScriptedReceiver } from '../support/scripted-receiver.ts'
import { scriptedReceiver } from '../support/scripted-receiver.ts'
import { sql, sqlValue } from '../support/sql.ts'
import { until } from '../support/until.ts'

const operatorKey = 'operator-key-0123456789abcdef0123456789'
const oldKey = newMasterKey()
const newKey = newMasterKey()
const idOf = (text: string): string => toVaultKey(parseMasterKey(text)).id

async function subscribe(url: string, receiver: ScriptedReceiver, path: string, key?: string): Promise<string> {
  const body = { webhook_url: `${receiver.url}${path}`, event_names: ['*'] }
  return textOf(await call(url, 'POST', '/events/subscriptions', body, key), 'secret')
}

async function publish(url: string, key?: string): Promise<void> {
  const answer = await call(url, 'POST', '/events', { event_name: 'thing.happened', payload: {} }, key)
  assert.equal(answer.status, 201)
}

/** A company of its own with its subscription: the first secret of a company makes its key. */
async function newCompany(
  url: string,
  receiver: ScriptedReceiver,
  n: number,
): Promise<{ key: string; secret: string }> {
  const settings = { allow_undeclared_events: true }
  const made = await call(url, 'POST', '/companies', { name: `Company ${n}`, settings }, operatorKey)
  const key = textOf(made, 'api_key')
  return { key, secret: await subscribe(url, receiver, `/company-${n}`, key) }
}

async function verifies(receiver: ScriptedReceiver, path: string, secret: string): Promise<void> {
  const calls = receiver.calls.filter((one) => one.path === path)
  assert.ok(calls.length > 0, path)
  for (const { headers, body } of calls) await verifyWebhook({ headers, body, secrets: [secret] })
}

test('the master key is rotated while deliveries run: none fails, and nothing names the old key afterwards', async (t) => {
  const { url: DATABASE_URL, pools } = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  const env = { DATABASE_URL, DAYBOOK_OPERATOR_KEY: operatorKey }
  const before = await startDaybook(t, { ...env, DAYBOOK_MASTER_KEY: oldKey })
  const secrets = new Map<string, string>()
  const keys: string[] = []
  const addCompany = async (url: string): Promise<void> => {
    const n = keys.length
    keys.push('')
    const { key, secret } = await newCompany(url, receiver, n)
    keys[n] = key
    secrets.set(`/company-${n}`, secret)
  }
  for (let n = 0; n < 10; n++) await addCompany(before.url)
  assert.equal(await before.stop(), 0)

  const both = { ...env, DAYBOOK_MASTER_KEY: newKey, DAYBOOK_MASTER_KEY_PREVIOUS: oldKey }
  const server = await startDaybook(t, both)
  let published = 0
  let isRotating = true
  const publishing = Array.from({ length: 4 }, async (_, lane) => {
    for (let n = lane; isRotating; n++) {
      const key = keys[n % keys.length]
      if (!key) continue
      await publish(server.url, key)
      published++
    }
  })
  const adding = (async () => {
    while (isRotating && keys.length < 60) await addCompany(server.url)
  })()
  await until('deliveries run', () => receiver.calls.length > 50)
  const { exitCode, stdout } = await runDaybook(['vault', 'rotate', '--json'], both)
  const seenBefore = receiver.calls.length
  await until('deliveries go on', () => receiver.calls.length > seenBefore + 50)
  isRotating = false
  await Promise.all([...publishing, adding])
  assert.equal(exitCode, 0)
  const rotated = JSON.parse(stdout)
  assert.ok(rotated.resealed >= 10)
  assert.deepEqual(
    { ...rotated, resealed: 0 },
    { key_id: idOf(newKey), resealed: 0, unreadable: 0, left: {}, done: true },
  )
  const uses = `select distinct encode(substr(sealed, 2, 8), 'hex') as id from company_keys`
  assert.deepEqual(await sql(pools.owner, uses), [{ id: idOf(newKey) }])
  await addCompany(server.url)
  assert.deepEqual(await sql(pools.owner, uses), [{ id: idOf(newKey) }])

  const ended = `select count(*) from webhook_logs where outcome = 'delivered'`
  await until('everything is delivered', async () => (await sqlValue<number>(pools.owner, ended)) >= published)
  assert.equal(await sqlValue(pools.owner, `select count(*) from webhook_logs where outcome <> 'delivered'`), 0)
  assert.equal(await server.stop(), 0)

  const refused = await runDaybook(['start'], { ...env, DAYBOOK_MASTER_KEY: oldKey, DAYBOOK_PORT: '0' })
  assert.equal(refused.exitCode, 2)
  assert.match(refused.stderr, new RegExp(`sealed with master key ${idOf(newKey)}, which was not given`))
  const after = await startDaybook(t, { ...env, DAYBOOK_MASTER_KEY: newKey })
  for (const key of keys) await publish(after.url, key)
  const all = published + keys.length
  await until('the new key alone serves all', async () => (await sqlValue<number>(pools.owner, ended)) >= all)
  for (const [path, secret] of secrets) await verifies(receiver, path, secret)
})

async function dataDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'daybook-vault-'))
  await chmod(directory, 0o755) // as root the database runs under another account, which then finds its way in
  t.after(async () => await rm(directory, { recursive: true, force: true }))
  return directory
}

test('an embedded database gets a key file of its own, told loudly once, and is not opened without it', async (t) => {
  const dataDir = await dataDirectory(t)
  const env = { DAYBOOK_DATA_DIR: dataDir }
  const path = join(dataDir, 'master.key')
  const receiver = await scriptedReceiver(t)
  const first = await startDaybook(t, env)
  const secret = await subscribe(first.url, receiver, '/hook')
  const key = (await readFile(path, 'utf8')).trim()
  if (process.platform !== 'win32') assert.equal((await stat(path)).mode & 0o777, 0o600)
  assert.match(first.log(), /MADE A MASTER KEY in .*master\.key.*BACK IT UP/)
  assert.ok(!first.log().includes(key))

  // Rotated on the spot: the running server is given the new key by a restart, the command finds the running database.
  assert.equal(await first.stop(), 0)
  await writeFile(path, `${newKey}\n${key}\n`)
  const second = await startDaybook(t, env)
  assert.doesNotMatch(second.log(), /MADE A MASTER KEY/)
  const rotated = await runDaybook(['vault', 'rotate'], env)
  assert.equal(rotated.exitCode, 0)
  assert.match(rotated.stdout, new RegExp(`in use: ${idOf(newKey)}\n.*anew: 1\nNothing names another`))
  assert.equal(await second.stop(), 0)

  await rename(path, `${path}.away`)
  const refuse = async (reason: RegExp): Promise<void> => {
    const { exitCode, stderr } = await runDaybook(['start'], { ...env, DAYBOOK_PORT: '0' })
    assert.equal(exitCode, 2, stderr)
    assert.match(stderr, reason)
  }
  await refuse(new RegExp(`master.key is missing, and the database is sealed with the key ${idOf(newKey)}`))
  await assert.rejects(stat(path), /ENOENT/)
  await writeFile(path, `${key}\n`, { mode: 0o600 })
  await refuse(new RegExp(`sealed with master key ${idOf(newKey)}, which was not given`))
  await writeFile(path, 'no key\n')
  await refuse(/master\.key: line 1: a master key is 32 bytes in base64/)

  await rename(`${path}.away`, path)
  const third = await startDaybook(t, env)
  await publish(third.url)
  await until('the webhook has come', () => receiver.calls.length > 0)
  await verifies(receiver, '/hook', secret)
})

test('with a database of its own a start without a good master key is refused, and says how to make one', async (t) => {
  const { url: DATABASE_URL } = await testDatabase(t)
  const directory = await dataDirectory(t)
  const path = join(directory, 'key')
  const refuse = async (env: Readonly<Record<string, string>>, reason: RegExp): Promise<void> => {
    const { exitCode, stderr } = await runDaybook(['start'], { DATABASE_URL, DAYBOOK_DATA_DIR: directory, ...env })
    assert.equal(exitCode, 2, stderr)
    assert.match(stderr, reason)
  }
  await refuse({}, /DAYBOOK_MASTER_KEY or DAYBOOK_MASTER_KEY_FILE: needed with DATABASE_URL.*daybook vault new-key/)
  await refuse({ DAYBOOK_MASTER_KEY_FILE: path }, /there is no file/)
  await refuse({ DAYBOOK_MASTER_KEY: 'short' }, /DAYBOOK_MASTER_KEY: a master key is 32 bytes in base64/)
  await refuse({ DAYBOOK_MASTER_KEY_PREVIOUS: oldKey }, /DAYBOOK_MASTER_KEY_PREVIOUS: only beside/)
  await refuse({ DAYBOOK_MASTER_KEY: newKey, DAYBOOK_MASTER_KEY_FILE: path }, /not beside DAYBOOK_MASTER_KEY/)
  await writeFile(path, `${newKey}\n`, { mode: 0o600 })
  if (process.platform !== 'win32') {
    await chmod(path, 0o644)
    await refuse({ DAYBOOK_MASTER_KEY_FILE: path }, /others can read it \(mode 0644\); close it with chmod 600/)
    await chmod(path, 0o600)
  }
  await startDaybook(t, { DATABASE_URL, DAYBOOK_MASTER_KEY: '', DAYBOOK_MASTER_KEY_FILE: path })
  const made = await runDaybook(['vault', 'new-key'], {})
  assert.equal(made.exitCode, 0)
  assert.equal(parseMasterKey(made.stdout.trim()).length, 32)
})

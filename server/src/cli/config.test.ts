import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError, readConfig } from './config.ts'

test('all mistakes are told at once, each with its variable', () => {
  const env = {
    DAYBOOK_PORT: '70000',
    DAYBOOK_ROLES: 'api,cook',
    DAYBOOK_OPERATOR_KEY: 'short',
    DAYBOOK_RETRY_SCHEDULE: '1,x',
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

test('the variables of the commands that talk to a server do not disturb the server', () => {
  assert.equal(readConfig({ DAYBOOK_URL: 'http://127.0.0.1:1', DAYBOOK_API_KEY: 'k', PATH: '/bin' }).port, 4_380)
})

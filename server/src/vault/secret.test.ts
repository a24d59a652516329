import assert from 'node:assert/strict'
import { test } from 'node:test'
import { format, inspect } from 'node:util'
import { pino } from 'pino'
import { Secret } from './secret.ts'

const text = 'canary-of-the-wrapper'

test('a secret is printed as *** in every way that something is printed', () => {
  const secret = new Secret(text)
  const lines: string[] = []
  const logger = pino({}, { write: (line: string) => lines.push(line) })
  logger.info({ secret, deep: [{ secret }] }, 'with %s and %o and %j', secret, secret, secret)
  const error = Object.assign(new Error(`it is ${String(secret)}`), { secret })
  const printed = [
    ...lines,
    String(secret),
    secret + '',
    JSON.stringify({ secret }),
    inspect({ secret }, { showHidden: true, depth: 9 }),
    format('%s %o %O %j', secret, secret, secret, secret),
    inspect(error, { showHidden: true }),
    JSON.stringify(Object.assign({}, secret)),
    Object.entries(secret).join(),
  ]
  for (const one of printed) assert.ok(!one.includes(text), one)
  for (const one of printed.slice(0, 5)) assert.ok(one.includes('***'), one)
  assert.equal(secret.reveal(), text)
})

test('a secret cannot be cloned out of its wrapper', () => {
  assert.deepEqual(structuredClone(new Secret(text)), {})
})

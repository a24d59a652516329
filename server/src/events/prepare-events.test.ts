import assert from 'node:assert/strict'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { describe, test } from 'node:test'
import { ProblemError } from '../lib/problems.ts'
import { newId } from '../lib/ids.ts'
import { STEPS_MAX } from './allowance.ts'
import { NOT_JUDGED } from './compile-schema.ts'
import { compileCustomSchema } from './custom-schema.ts'
import { prepareEvents } from './prepare-events.ts'
import type { PrepareContext } from './prepare-events.ts'

const pointer = (index: number): string => `/events/${index}`

function contextOf(schema: unknown, names: readonly string[] = ['list.made']): PrepareContext {
  const definition = { eventName: 'list.made', version: 1, related: [], validate: compileCustomSchema(schema) }
  return {
    companyId: newId(),
    definitions: { get: (name) => (name === 'list.made' ? definition : undefined), names: () => names },
    allowUndeclared: false,
    defaultActor: { type: 'api_key', id: 'test' },
    nowMs: Date.now(),
  }
}

async function prepare(schema: unknown, payloads: readonly unknown[]) {
  const inputs = payloads.map((payload) => ({ event_name: 'list.made', payload }))
  const texts = payloads.map((payload) => JSON.stringify(payload))
  return await prepareEvents(contextOf(schema), inputs, texts, pointer)
}

const times = <One>(count: number, make: (index: number) => One) => Array.from({ length: count }, (_, n) => make(n))

/** Compares each item with 450 values: a list of 1,000 takes half of what a payload may. */
const costly = { allOf: times(450, (n) => ({ contains: { const: n + 5 }, minContains: 0 })) }
const list = times(1_000, () => 0)

describe('payloads of one request', () => {
  test('may be as costly as a few of the worst, and no further ones are judged', async () => {
    assert.equal((await prepare(costly, [list, list, list])).length, 3)
    const error = await prepare(
      costly,
      times(100, () => list),
    ).catch((reason: unknown) => reason)
    assert.ok(error instanceof ProblemError)
    assert.equal(error.code, 'schema_violation')
    assert.ok(error.faults.length > 50)
    for (const fault of error.faults) assert.equal(fault.code, NOT_JUDGED)
    // Those that came before were judged.
    assert.ok(Number(error.faults[0]?.pointer.split('/')[2]) >= 4, error.faults[0]?.pointer)
  })

  test('are all judged when they are large and a definition asks for much, as one of them alone would be', async () => {
    const item = {
      type: 'object',
      required: ['sku'],
      properties: { sku: { type: 'string', pattern: '^[0-9a-f]{64}$' }, at: { format: 'date-time' } },
    }
    const line = { sku: '0123456789abcdef'.repeat(4), at: '2026-03-01T09:30:00Z' }
    const payload = times(2_000, () => line)
    assert.equal(
      (
        await prepare(
          { items: item },
          times(30, () => payload),
        )
      ).length,
      30,
    )
  })

  test('leave others their turn: the loop goes on while they are judged', async () => {
    const delay = monitorEventLoopDelay({ resolution: 5 })
    const long = times(3_000, () => 0)
    const text = JSON.stringify(long)
    const inputs = times(40, () => ({ event_name: 'list.made', payload: long }))
    const cheaper = { allOf: times(100, (n) => ({ contains: { const: n + 5 }, minContains: 0 })) }
    const context = contextOf(cheaper)
    const startedAt = performance.now()
    let turns = 0
    const counting = setInterval(() => turns++, 1)
    delay.enable()
    await prepareEvents(
      context,
      inputs,
      inputs.map(() => text),
      pointer,
    ).catch(() => {})
    delay.disable()
    clearInterval(counting)
    assert.ok(performance.now() - startedAt > 20, 'is work enough to be worth a turn')
    assert.ok(turns > 1, String(turns))
  })
})

test('a name that may have been meant is looked for five times in a request', async () => {
  const names = ['order.placed']
  const inputs = times(20, () => ({ event_name: 'order.placde', payload: {} }))
  const error = await prepareEvents(
    contextOf(true, names),
    inputs,
    inputs.map(() => '{}'),
    pointer,
  ).catch((reason: unknown) => reason)
  assert.ok(error instanceof ProblemError)
  assert.equal(error.code, 'unknown_event_name')
  assert.equal(error.faults.filter(({ message }) => message.includes('did you mean order.placed?')).length, 5)
  assert.equal(error.faults.length, 20)
})

test('when patterns take longer than they ever should, nothing is refused: the request is to be tried again', async (t) => {
  const schema = { pattern: '^[a-z]+$' }
  assert.equal((await prepare(schema, ['abc', 'def'])).length, 2)
  // A machine that stands still for 100 ms in every test of a pattern.
  let nowMs = 0
  t.mock.method(performance, 'now', () => (nowMs += 100))
  assert.equal((await prepare(schema, ['abc', 'def'])).length, 2)
  await assert.rejects(
    prepare(
      schema,
      times(20, () => 'abc'),
    ),
    (error) => error instanceof ProblemError && error.code === 'too_busy' && error.faults.length === 0,
  )
})

test('a payload that is refused for its cost is so on every machine, at the same number of steps', () => {
  const validate = compileCustomSchema({ items: { pattern: '^[\\p{L} ]{0,400}$' } })
  const left = times(3, () => {
    const allowance = { stepsLeft: STEPS_MAX, patternMsLeft: Infinity }
    assert.deepEqual(validate(['Grüße an alle', 'x'.repeat(300)], allowance), [])
    return allowance.stepsLeft
  })
  assert.equal(new Set(left).size, 1)
})

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { ProblemError } from '../lib/problems.ts'
import { createSchemaJudge, SCHEMA_TOO_COSTLY } from './schema-judge.ts'
import type { SchemaJudge } from './schema-judge.ts'

function testJudge(t: TestContext): SchemaJudge {
  const judge = createSchemaJudge()
  t.after(async () => await judge.close())
  return judge
}

const order = { type: 'object', required: ['id'], properties: { id: { type: 'string' }, count: { type: 'integer' } } }

/** Within the limits, and minutes of work for the comparison of schemas: 40 versions of a second or so. */
const choices = {
  $ref: '#/$defs/p7',
  $defs: Object.fromEntries(
    Array.from({ length: 8 }, (_, index) => {
      const inner = { $ref: `#/$defs/p${index - 1}` }
      return [
        `p${index}`,
        index === 0 ? { type: 'string' } : { anyOf: [inner, { type: 'object', properties: { a: inner } }] },
      ]
    }),
  ),
}
const versions = Array.from({ length: 400 }, (_, index) => ({ version: index + 1, schema: JSON.stringify(choices) }))
const opposite = JSON.stringify({ not: choices.$defs['p7'], $defs: choices.$defs })
const askHard = (judge: SchemaJudge, companyId: string, deadlineMs: number) =>
  judge.compare(companyId, 'full_transitive', versions, opposite, deadlineMs)

describe('the judge', () => {
  test('checks a schema and its examples', async (t) => {
    const judge = testJudge(t)
    assert.deepEqual(await judge.check('a', order, [{ id: 'x' }]), [])
    const faults = await judge.check('a', order, [{ id: 1 }])
    assert.deepEqual(
      faults.map(({ pointer, code }) => `${code} ${pointer}`),
      ['type /examples/0/id'],
    )
  })

  test('rehearses a schema on stored payloads, in order, however many', async (t) => {
    const judge = testJudge(t)
    const texts = Array.from({ length: 450 }, (_, index) =>
      index % 100 === 42 ? '{"count": "x"}' : '{"id": "\\u0061"}',
    )
    const { judged, failing, faults } = await judge.rehearse('a', order, texts)
    assert.deepEqual([judged, faults], [450, []])
    assert.deepEqual(
      failing.map(({ index }) => index),
      [42, 142, 242, 342, 442],
    )
    assert.deepEqual(
      failing[0]?.faults.map(({ pointer }) => pointer),
      ['/id', '/count'],
    )
  })

  test('compares schemas and makes samples', async (t) => {
    const judge = testJudge(t)
    const older = [{ version: 3, schema: JSON.stringify(order) }]
    const breaks = await judge.compare('a', 'full', older, '{"type": "object"}')
    assert.deepEqual(new Set(breaks.map((one) => `${one.version} ${one.breaks}`)), new Set(['3 consumers']))
    assert.deepEqual(await judge.compare('a', 'full', older, JSON.stringify(order)), [])
    assert.deepEqual(await judge.check('a', order, [await judge.sample('a', order, 7)]), [])
    assert.equal(await judge.sample('a', { type: 'integer', minimum: 3, maximum: 2 }), undefined)
  })
})

test('what takes longer than its deadline is stopped, and the next question is answered', async (t) => {
  const judge = testJudge(t)
  await judge.check('a', order, [])
  const startedAt = performance.now()
  const breaks = await askHard(judge, 'a', 200)
  assert.ok(performance.now() - startedAt < 5_000)
  assert.deepEqual(
    breaks.map((one) => `${one.code} ${one.breaks} ${one.version}`),
    [`${SCHEMA_TOO_COSTLY} producers 400`, `${SCHEMA_TOO_COSTLY} consumers 400`],
  )
  assert.deepEqual(await judge.check('a', order, []), [])
})

test('a rehearsal that is stopped tells how far it came', async (t) => {
  const judge = testJudge(t)
  const slow = { items: { anyOf: Array.from({ length: 400 }, (_, index) => ({ const: index + 9 })) } }
  const text = JSON.stringify(Array.from({ length: 100_000 }, () => 'x'))
  const { faults, judged } = await judge.rehearse(
    'a',
    slow,
    Array.from({ length: 1_000 }, () => text),
    500,
  )
  assert.equal(faults[0]?.code, SCHEMA_TOO_COSTLY)
  assert.ok(judged < 1_000)
})

test('a rehearsal whose time is over asks no more, and the thread goes on', async (t) => {
  const judge = testJudge(t)
  for (const leftMs of [0, -5]) {
    const { faults, judged } = await judge.rehearse('a', order, ['{"id": "x"}'], leftMs)
    assert.deepEqual([faults[0]?.code, judged], [SCHEMA_TOO_COSTLY, 0])
  }
})

test('no slice of a rehearsal holds the thread for longer than a second of its work', async (t) => {
  const judge = testJudge(t)
  await judge.check('a', order, [])
  // Some 30 ms for each text.
  const slow = {
    allOf: Array.from({ length: 450 }, (_, index) => ({ contains: { const: index + 5 }, minContains: 0 })),
  }
  const text = JSON.stringify(Array.from({ length: 1_500 }, () => 0))
  const startedAt = performance.now()
  const rehearsal = judge.rehearse(
    'a',
    slow,
    Array.from({ length: 1_000 }, () => text),
    60_000,
  )
  await judge.check('b', order, [])
  // All of it would be half a minute of work; a slice may be five seconds, where the machine is busy, and a new thread.
  assert.ok(performance.now() - startedAt < 15_000)
  const ended = rehearsal.then(
    ({ faults }) => faults[0]?.code, // where a slice takes a second of work
    ({ code }: ProblemError) => code,
  )
  await judge.close()
  assert.ok([SCHEMA_TOO_COSTLY, 'shutting_down'].includes((await ended) ?? ''))
})

test('questions of others that wait behind one that is stopped are all answered', async (t) => {
  const judge = testJudge(t)
  const hard = askHard(judge, 'a', 300)
  const others = ['b', 'c', 'd'].map(async (company) => await judge.check(company, order, [{ id: 'x' }]))
  assert.deepEqual(await Promise.all(others), [[], [], []])
  assert.equal((await hard)[0]?.code, SCHEMA_TOO_COSTLY)
})

test('one company cannot hold up others: it has so many questions waiting, and they take turns', async (t) => {
  const judge = testJudge(t)
  const ended: string[] = []
  const note = (name: string) => () => void ended.push(name)
  const hard = Array.from({ length: 12 }, () => askHard(judge, 'a', 100).then(note('a'), note('refused')))
  const other = judge.check('b', order, []).then(note('b'))
  await Promise.all([...hard, other])
  assert.deepEqual(ended.slice(0, 3), ['refused', 'refused', 'refused'])
  assert.ok(ended.indexOf('b') - ended.indexOf('a') <= 2, ended.join())
})

test('too many questions waiting are refused with rate_limited', async (t) => {
  const judge = testJudge(t)
  const asked = Array.from({ length: 12 }, () => judge.check('a', order, []))
  const outcomes = await Promise.allSettled(asked)
  const refusals = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
  assert.ok(refusals.length > 0)
  for (const error of refusals) assert.ok(error instanceof ProblemError && error.code === 'rate_limited')
})

test('the loop of this process goes on while hostile schemas are judged', async (t) => {
  const judge = testJudge(t)
  await judge.check('a', order, [])
  let [longestMs, last] = [0, performance.now()]
  const probe = setInterval(() => {
    const now = performance.now()
    longestMs = Math.max(longestMs, now - last)
    last = now
  }, 5)
  t.after(() => clearInterval(probe))
  const patterns = Array.from({ length: 90 }, (_, index) => ({ pattern: `(?:[\\p{L}${index}]{90}b?){9}` }))
  await Promise.all([
    askHard(judge, 'a', 400),
    judge.check('b', { anyOf: patterns }, []),
    judge.check(
      'c',
      { properties: Object.fromEntries(Array.from({ length: 990 }, (_, n) => [`p${n}`, { type: 'x' }])) },
      [],
    ),
    judge.check('d', { $ref: '#' }, []),
  ])
  assert.ok(longestMs < 1_000, `${longestMs} ms`)
})

test('a schema bomb is refused within a second once the thread runs', async (t) => {
  const judge = testJudge(t)
  await judge.check('a', order, [])
  const bombs: unknown[] = [
    { $ref: '#' },
    {
      $ref: '#/$defs/p30',
      $defs: Object.fromEntries(
        Array.from({ length: 31 }, (_, n) => [
          `p${n}`,
          n === 0 ? {} : { allOf: [1, 2].map(() => ({ $ref: `#/$defs/p${n - 1}` })) },
        ]),
      ),
    },
    { properties: Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`p${n}`, {}])) },
    { anyOf: Array.from({ length: 99 }, (_, n) => ({ pattern: `(?:(?:a{${n + 1}}){10}b?){90}` })) },
    { $ref: 'http://127.0.0.1:1/schema.json' },
  ]
  for (const bomb of bombs) {
    const startedAt = performance.now()
    assert.notEqual((await judge.check('a', bomb, [])).length, 0)
    // The deadline is one second; what is added is a busy machine.
    assert.ok(performance.now() - startedAt < 3_000)
  }
})

test('a judge that is closed stops what is under way, and refuses that and all else', async () => {
  const judge = createSchemaJudge()
  await judge.check('a', order, [])
  const underWay = assert.rejects(askHard(judge, 'a', 30_000), { code: 'shutting_down' })
  const waiting = assert.rejects(judge.check('b', order, []), { code: 'shutting_down' })
  await judge.close()
  await judge.close()
  await underWay
  await waiting
  await assert.rejects(judge.check('c', order, []), { code: 'shutting_down' })
})

test('a judge that is closed while its thread starts refuses the question', async () => {
  const judge = createSchemaJudge()
  const refused = assert.rejects(judge.check('a', order, []), { code: 'shutting_down' })
  await judge.close()
  await refused
})

test('the thread does not keep the process from ending, and ends with it', async (t) => {
  const url = new URL('./schema-judge.ts', import.meta.url)
  const program = `import(${JSON.stringify(url)}).then(async ({ createSchemaJudge }) =>
    console.log(JSON.stringify(await createSchemaJudge().check('a', { type: 'text' }, []))))`
  const args = ['--conditions=source', '--eval', program]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  const [code] = await once(child, 'close')
  assert.equal(code, 0)
  assert.match(output, /invalid_schema/)
})

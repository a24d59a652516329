import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { newId } from '../../src/lib/ids.ts'
import { call, textOf } from '../support/api.ts'
import { startDaybook } from '../support/daybook-process.ts'
import { testDatabase } from '../support/database.ts'
import type { History, Journal } from '../support/history.ts'
import { judge, startJournal } from '../support/history.ts'
import { until } from '../support/until.ts'

interface Sent {
  readonly id: string
  readonly name: string
  readonly payload: string
}

interface Run {
  readonly journal: Journal
  readonly secret: string
  publish(events: readonly Sent[]): Promise<void>
}

const BATCH = 50

async function begin(t: TestContext): Promise<Run> {
  const database = await testDatabase(t)
  const journal = await startJournal(t)
  const { url } = await startDaybook(t, { DATABASE_URL: database.url })
  const subscription = { webhook_url: `${journal.url}/hook`, event_names: ['*'] }
  const secret = textOf(await call(url, 'POST', '/events/subscriptions', subscription), 'secret')
  const publish = async (events: readonly Sent[]): Promise<void> => {
    for (let from = 0; from < events.length; from += BATCH) {
      const texts = events
        .slice(from, from + BATCH)
        .map(({ id, name, payload }) => `{"id":"${id}","event_name":"${name}","payload":${payload}}`)
      const answer = await call(url, 'POST', '/events/batch', `{"events":[${texts.join(',')}]}`)
      assert.equal(answer.status, 201, JSON.stringify(answer.body))
    }
  }
  return { journal, secret, publish }
}

/** Publishes and waits; then every call must be signed and hold, after its known members, the very text as `data`. */
async function assertArrives({ journal, secret, publish }: Run, events: readonly Sent[]): Promise<void> {
  await publish(events)
  await until('every event arrived', () => journal.arrivals.length >= events.length)
  const history: History = {
    acknowledged: new Map(events.map(({ id, payload }) => [id, payload])),
    unknown: new Map(),
  }
  const verdict = await judge(history, journal, '/hook', secret)
  assert.deepEqual(verdict, { lost: [], unexpected: [], duplicated: 0 })
  const byId = new Map(journal.arrivals.map((arrival) => [arrival.id, arrival.body]))
  for (const { id, name, payload } of events) {
    const body = byId.get(id) ?? ''
    const data = `,"data":${payload}}`
    const head: unknown = JSON.parse(`${body.slice(0, body.length - data.length)}}`)
    assert.ok(body.endsWith(data) && typeof head === 'object' && head !== null)
    assert.deepEqual(Object.keys(head), ['id', 'type', 'timestamp', 'position'])
    assert.equal(Reflect.get(head, 'type'), name)
  }
}

const examples = fileURLToPath(new URL('../../../node_modules/@octokit/webhooks-examples/', import.meta.url))

/** Every example payload of every GitHub edition, alternately compact and laid out for people. */
function githubEvents(): readonly Sent[] {
  const editions = globSync('*/index.json', { cwd: examples }).sort()
  return editions
    .flatMap((edition) => JSON.parse(readFileSync(join(examples, edition), 'utf8')) as Octokit[])
    .flatMap(({ name, examples }) => examples.map((example) => ({ name: `github.${name}`, example })))
    .map(({ name, example }, index) => ({ id: newId(), name, payload: JSON.stringify(example, null, index % 3) }))
}

interface Octokit {
  readonly name: string
  readonly examples: readonly unknown[]
}

test('[bytes-arrive] every webhook payload that GitHub documents arrives byte for byte', async (t) => {
  const events = githubEvents()
  assert.ok(events.length > 700)
  await assertArrives(await begin(t), events)
})

/** What a reader that parses and writes again would change. */
const oddSpellings = [
  '1.0',
  '-0',
  '1E2',
  '1e+02',
  '12345678901234567890',
  '[0.10, 1e-7 ,123456789.12345678901234567890]',
  '{"z":1,"a":2,"10":3,"9":4}',
  '{"a"\t:\r\n [ ] , "b" : { } }',
  String.raw`"\u0041\u00e9\/\u20ac\ud83d\ude00\u2028\b"`,
  String.raw`{"\u0061":1,"b\/c":2,"\"\\":3}`,
  '"\u00e9 e\u0301 \u2028 \u{1f600} \u007f"',
  '{"__proto__":{"a":1},"constructor":null}',
  String.raw`{"data":{"payload":"},\"data\":"}}`,
  'true',
  'null',
  '""',
]

test('[bytes-arrive] numbers, escapes, blanks and the order of keys arrive as they were spelled', async (t) => {
  const events = oddSpellings.map((payload) => ({ id: newId(), name: 'odd.spelling', payload }))
  await assertArrives(await begin(t), events)
})

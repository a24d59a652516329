import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { checkHistory, isClean } from './check-history.ts'
import type { DatabaseRows, Evidence, LedgerRow, Publish } from './evidence.ts'
import type { Arrival } from './receivers.ts'

/** A run of one event that holds; each test spoils it in one way, and the checker must see that. */
const SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`
const NOW = Date.parse('2026-06-01T10:00:00Z')
const SENT = NOW - 1_000

const publish: Publish = {
  id: 'e1',
  companyId: 'c1',
  eventName: 'thing.happened',
  payload: '{"n": 1.50}',
  sentMs: SENT,
  acknowledgedMs: SENT + 5,
}

function arrival(change: { body?: string; path?: string; secret?: string; atMs?: number } = {}): Arrival {
  const { path = '/c1/s1', secret = SECRET, atMs = NOW } = change
  const body = Buffer.from(change.body ?? `{"id":"e1","type":"thing.happened","position":1,"data":{"n": 1.50}}`)
  const timestamp = String(Math.floor(atMs / 1_000))
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
  const signature = `v1,${createHmac('sha256', key).update(`e1.${timestamp}.`).update(body).digest('base64')}`
  return { path, id: 'e1', body, timestamp, signature, atMs, status: 204, answered: true }
}

function attempt(change: Partial<LedgerRow> = {}): LedgerRow {
  return {
    company_id: 'c1',
    delivery_id: 'd1',
    subscription_id: 's1',
    event_id: 'e1',
    position: 1,
    attempt_no: 1,
    outcome: 'delivered',
    reason: 'http_204',
    response_status: 204,
    started_ms: NOW,
    next_ms: null,
    ...change,
  }
}

const rows: DatabaseRows = {
  trail: [{ company_id: 'c1', position: 1, event_id: 'e1', event_name: 'thing.happened' }],
  payloads: [{ company_id: 'c1', id: 'e1', payload: publish.payload }],
  versions: [
    {
      company_id: 'c1',
      version: 1,
      subscription_id: 's1',
      webhook_url: 'http://receiver/c1/s1',
      event_names: ['*'],
      status: 'active',
    },
  ],
  pending: [],
  ledger: [attempt()],
  retries: [],
  outboxCount: 0,
  fanOutCount: 0,
}

function evidence(change: Omit<Partial<Evidence>, 'database'> & { database?: Partial<DatabaseRows> } = {}): Evidence {
  const { database, ...others } = change
  return {
    publishes: new Map([['e1', publish]]),
    endpoints: new Map([
      [
        '/c1/s1',
        {
          companyId: 'c1',
          secrets: [{ secret: SECRET, sentMs: 0, acknowledgedMs: 1, overlapMs: 0 }],
          subscriptionId: 's1',
          deletedMs: undefined,
        },
      ],
    ]),
    arrivals: [arrival()],
    samples: [
      { companyId: 'c1', startMs: SENT - 60, endMs: SENT - 50, lastPosition: 0, version: 1 },
      { companyId: 'c1', startMs: NOW, endMs: NOW, lastPosition: 1, version: 1 },
    ],
    views: [{ id: 'd1', subscription_id: 's1', event_id: 'e1', state: 'delivered', attempts: 1 }],
    ...others,
    database: { ...rows, ...database },
  }
}

const gone = { outcome: 'will_retry', response_status: 500, reason: 'http_500', next_ms: NOW } as const

test('the checker passes a run that holds', () => {
  const verdict = checkHistory(evidence())
  assert.deepEqual([verdict.lost, verdict.unexpected, verdict.faults], [[], [], []])
  assert.deepEqual([verdict.acknowledged, verdict.owed, verdict.perhapsOwed, verdict.duplicated], [1, 1, 0, 0])
  assert.ok(isClean(verdict))
})

const spoiled: Readonly<Record<string, Evidence>> = {
  'lost: an acknowledged event is not in the log': evidence({
    arrivals: [],
    views: [],
    database: { trail: [], payloads: [], ledger: [] },
  }),
  'lost: an owed event has no delivery': evidence({ arrivals: [], views: [], database: { ledger: [] } }),
  'lost: a delivery never ends': evidence({
    views: [],
    database: {
      ledger: [],
      pending: [{ company_id: 'c1', id: 'd1', subscription_id: 's1', event_id: 'e1', status: 'active' }],
    },
  }),
  'lost: an event waits in the outbox': evidence({ database: { outboxCount: 1 } }),
  'unexpected: nobody published it': evidence({ publishes: new Map() }),
  'unexpected: it is the event of another company': evidence({
    publishes: new Map([['e1', { ...publish, companyId: 'c2' }]]),
  }),
  'unexpected: the subscription does not want it': evidence({
    database: { versions: rows.versions.map((row) => ({ ...row, event_names: ['other.*'] })) },
  }),
  'unexpected: the subscription was disabled': evidence({
    database: { versions: rows.versions.map((row) => ({ ...row, status: 'disabled' })) },
  }),
  'other bytes arrive': evidence({
    arrivals: [arrival({ body: `{"id":"e1","type":"thing.happened","position":1,"data":{"n": 1.5}}` })],
  }),
  'other bytes are stored': evidence({
    database: { payloads: [{ company_id: 'c1', id: 'e1', payload: '{"n":1.50}' }] },
  }),
  'a stranger signed it': evidence({
    arrivals: [arrival({ secret: `whsec_${Buffer.alloc(32, 2).toString('base64')}` })],
  }),
  'a call is not in the ledger': evidence({ arrivals: [arrival(), arrival()] }),
  'a success is tried again': evidence({
    arrivals: [arrival(), arrival()],
    database: { ledger: [attempt({ ...gone, response_status: 204 }), attempt({ attempt_no: 2 })] },
    views: [{ id: 'd1', subscription_id: 's1', event_id: 'e1', state: 'delivered', attempts: 2 }],
  }),
  'an answer was lost and the ledger says that it was not': evidence({
    arrivals: [arrival(), { ...arrival(), status: 500 }],
    database: { ledger: [attempt({ ...gone }), attempt({ ...gone, attempt_no: 2, outcome: 'failed' })] },
    views: [{ id: 'd1', subscription_id: 's1', event_id: 'e1', state: 'failed', attempts: 2 }],
  }),
  'an answer in the ledger was never given': evidence({ arrivals: [] }),
  'an attempt number is missing': evidence({ database: { ledger: [attempt({ attempt_no: 2 })] } }),
  'it goes on after its ending': evidence({
    arrivals: [arrival(), arrival()],
    database: { ledger: [attempt(), attempt({ attempt_no: 2 })] },
  }),
  'an attempt comes before it is due': evidence({
    arrivals: [{ ...arrival(), status: 500 }, arrival()],
    database: { ledger: [attempt({ ...gone, next_ms: NOW + 5_000 }), attempt({ attempt_no: 2 })] },
    views: [{ id: 'd1', subscription_id: 's1', event_id: 'e1', state: 'delivered', attempts: 2 }],
  }),
  'a position is missing': evidence({ database: { trail: rows.trail.map((row) => ({ ...row, position: 2 })) } }),
  'the interface shows another state': evidence({
    views: [{ id: 'd1', subscription_id: 's1', event_id: 'e1', state: 'pending', attempts: 1 }],
  }),
  'the interface shows another number of attempts': evidence({
    views: [{ id: 'd1', subscription_id: 's1', event_id: 'e1', state: 'delivered', attempts: 7 }],
  }),
}

for (const [what, spoiledEvidence] of Object.entries(spoiled)) {
  test(`the checker sees it when ${what}`, () => {
    assert.ok(!isClean(checkHistory(spoiledEvidence)))
  })
}

test('the checker does not blame a copy that follows a lost answer', () => {
  const lost = attempt({ outcome: 'unknown', reason: 'lease_expired', response_status: null, next_ms: NOW })
  const verdict = checkHistory(
    evidence({
      arrivals: [arrival(), arrival()],
      database: { ledger: [lost, attempt({ attempt_no: 2 })] },
      views: [{ id: 'd1', subscription_id: 's1', event_id: 'e1', state: 'delivered', attempts: 2 }],
    }),
  )
  assert.deepEqual([verdict.duplicated, verdict.duplicateBound, verdict.faults], [1, 1, []])
})

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { TestContext } from 'node:test'
import { seededRandom } from '../../src/cli/demo/random.ts'
import type { DbPool } from '../../src/db/pools.ts'
import { openPools } from '../../src/db/pools.ts'
import { newId } from '../../src/lib/ids.ts'
import { call, textOf } from '../support/api.ts'
import { API_KEY } from '../support/daybook-process.ts'
import { testDatabase } from '../support/database.ts'
import { sqlValue } from '../support/sql.ts'
import { until } from '../support/until.ts'
import type { Verdict } from '../torture/check-history.ts'
import { checkHistory } from '../torture/check-history.ts'
import type { Endpoint, HeadSample, Publish } from '../torture/evidence.ts'
import { sampleHeads } from '../torture/head-samples.ts'
import { readDatabase, readViews } from '../torture/read-evidence.ts'
import type { Receivers } from '../torture/receivers.ts'
import { startReceivers } from '../torture/receivers.ts'

/** A test of one fault: what was published and what arrived, for the checker that judges the long runs too. */
export interface FaultRun {
  readonly databaseUrl: string
  /** As the owner of the tables, past every fault. */
  readonly owner: DbPool
  readonly receivers: Receivers
  readonly publishes: Map<string, Publish>
  readonly endpoints: Map<string, Endpoint>
  readonly samples: readonly HeadSample[]
  /** Keys of the companies beside the first. */
  readonly otherKeys: string[]
}

/** A company that is not the first. */
export interface Other {
  readonly id: string
  readonly key: string
}

/** @param databaseUrl of a database of the test's own; one on the shared server is made when absent */
export async function beginRun(t: TestContext, databaseUrl?: string): Promise<FaultRun> {
  const url = databaseUrl ?? (await testDatabase(t)).url
  const pools = openPools({ url, onError: () => {} })
  t.after(async () => await pools.close())
  const receivers = await startReceivers(t, seededRandom(1))
  const samples = sampleHeads(t, () => url)
  const empty = { publishes: new Map(), endpoints: new Map(), otherKeys: [] }
  return { ...empty, databaseUrl: url, owner: pools.owner, receivers, samples }
}

/** A subscription to every business event unless told otherwise; `path` has two segments. Answers with its id. */
export async function subscribe(
  run: FaultRun,
  url: string,
  path: string,
  input: Readonly<Record<string, unknown>> = {},
  other?: Other,
): Promise<string> {
  const secret = `whsec_${randomBytes(32).toString('base64')}`
  const sentMs = Date.now()
  const complete = {
    webhook_url: run.receivers.url + path,
    event_names: ['*'],
    timeout_ms: 2_000,
    concurrency: 32,
    secret,
    ...input,
  }
  const created = await call(url, 'POST', '/events/subscriptions', complete, other?.key)
  assert.equal(created.status, 201, JSON.stringify(created.body))
  const subscriptionId = textOf(created, 'id')
  const companyId = other?.id ?? (await companyOf(run))
  const secrets = [{ secret, sentMs, acknowledgedMs: Date.now(), overlapMs: 0 }]
  run.endpoints.set(path, { companyId, secrets, subscriptionId, deletedMs: undefined })
  return subscriptionId
}

export interface PublishOptions {
  readonly atOnce?: number
  readonly eventName?: string
  readonly payload?: (number: number) => string
  readonly other?: Other
}

/** Publishes one by one, `atOnce` side by side; answers with the statuses, 0 for no answer at all. */
export async function publish(
  run: FaultRun,
  url: string,
  count: number,
  options: PublishOptions = {},
): Promise<ReadonlyMap<number, number>> {
  const {
    other,
    atOnce = 8,
    eventName = 'fault.tried',
    payload = (number) => `{"n": ${number}, "spelled":1.50}`,
  } = options
  const companyId = other?.id ?? (await companyOf(run))
  const statuses = new Map<number, number>()
  let left = count
  const publisher = async (): Promise<void> => {
    while (left-- > 0) {
      const id = newId()
      run.publishes.set(id, {
        id,
        companyId,
        eventName,
        payload: payload(left),
        sentMs: Date.now(),
        acknowledgedMs: undefined,
      })
      const status = await publishAgain(run, url, id, other?.key)
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, publisher))
  return statuses
}

/** Sends what is known under this id, for the first time or once more. Answers with the status, 0 for no answer. */
export async function publishAgain(run: FaultRun, url: string, id: string, key?: string): Promise<number> {
  const one = run.publishes.get(id)
  assert.ok(one)
  const body = `{"event_name":"${one.eventName}","id":"${id}","payload":${one.payload}}`
  const status = await call(url, 'POST', '/events', body, key).then(
    (answer) => answer.status,
    () => 0,
  )
  if (status === 200 || status === 201) one.acknowledgedMs ??= Date.now()
  return status
}

/** Publishes again what has no good answer; every one must get it now. */
export async function repeatUnknown(run: FaultRun, url: string): Promise<void> {
  for (const { id, acknowledgedMs } of run.publishes.values()) {
    if (acknowledgedMs === undefined) assert.ok([200, 201].includes(await publishAgain(run, url, id)))
  }
}

export function unknown(run: FaultRun): readonly Publish[] {
  return [...run.publishes.values()].filter(({ acknowledgedMs }) => acknowledgedMs === undefined)
}

/** Nothing to be routed, nothing to be delivered. */
export async function settled(run: FaultRun, limitMs = 60_000): Promise<void> {
  const left = `select (select count(*) from event_outbox) + (select count(*) from fan_outs)
                     + (select count(*) from webhook_deliveries)`
  await until('nothing waits', async () => (await sqlValue(run.owner, left)) === 0, limitMs)
}

/** Judges the run as it stands; fails on everything that must never be. */
export async function assertHolds(run: FaultRun, url: string): Promise<Verdict> {
  const { publishes, endpoints, samples, receivers } = run
  const database = await readDatabase(run.owner)
  const views = []
  for (const key of [API_KEY, ...run.otherKeys]) views.push(...(await readViews(url, key)))
  const verdict = checkHistory({ publishes, endpoints, arrivals: receivers.arrivals, samples, database, views })
  const { lost, unexpected, faults, duplicated, duplicateBound } = verdict
  assert.deepEqual({ lost, unexpected, faults }, { lost: [], unexpected: [], faults: [] })
  assert.ok(duplicated <= duplicateBound, `${duplicated} copies, ${duplicateBound} attempts without an answer`)
  assert.ok(verdict.owed + verdict.perhapsOwed > 0, 'something was owed')
  return verdict
}

const companies = new WeakMap<FaultRun, string>()

/** The first company, which the key of the tests belongs to. */
async function companyOf(run: FaultRun): Promise<string> {
  const known = companies.get(run) ?? (await sqlValue<string>(run.owner, 'select id from companies'))
  companies.set(run, known)
  return known
}

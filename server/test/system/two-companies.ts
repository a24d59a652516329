import type { TestContext } from 'node:test'
import type { DbPool } from '../../src/db/pools.ts'
import { deliveryId, newId } from '../../src/lib/ids.ts'
import { call, rowsOf, textOf } from '../support/api.ts'
import type { TestDatabase } from '../support/database.ts'
import { testDatabase } from '../support/database.ts'
import { scriptedReceiver } from '../support/scripted-receiver.ts'
import { statsRun } from '../support/stats-run.ts'
import { newCompany } from './new-company.ts'
import type { ServedApp } from './served-app.ts'
import { serveApp } from './served-app.ts'

/** A company with one of everything: what the last part of a path before its name leads to. */
export interface Inhabited {
  readonly id: string
  readonly key: string
  readonly things: Readonly<Record<string, string>>
}

export interface TwoCompanies extends ServedApp {
  readonly database: TestDatabase
  readonly mine: Inhabited
  readonly theirs: Inhabited
  /** For each thing of theirs a name of the same length and form that nothing has. */
  readonly nothing: Inhabited['things']
}

/** @param wrapApi see {@link serveApp} */
export async function twoCompanies(t: TestContext, wrapApi?: (pool: DbPool) => DbPool): Promise<TwoCompanies> {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  receiver.answer(() => ({ status: 500 }))
  const app = await serveApp(t, database, wrapApi)
  const mine = await inhabit(app, `${receiver.url}/mine`, 'mine')
  const theirs = await inhabit(app, `${receiver.url}/theirs`, 'theirs')
  await statsRun(database.pools).count()
  // Mine decides nothing, so that a look that forgets its company finds theirs.
  const rules = [{ event_name: theirs.things['schemas'], payload_retention_days: 400 }]
  const decision = { payload_retention_days: null, ledger_retention_days: null, rules }
  await call(app.url, 'PUT', '/retention', decision, theirs.key)
  return { ...app, database, mine, theirs, nothing: namesOfNothing(theirs.things) }
}

/** The delivery has failed once and waits, so nothing of the company changes by itself. */
async function inhabit({ url, node }: ServedApp, receiver: string, name: string): Promise<Inhabited> {
  const { id, key } = await newCompany(url, name)
  const ask = async (method: string, path: string, body?: unknown) => await call(url, method, path, body, key)
  const subscription = { webhook_url: receiver, event_names: ['*'], description: name }
  const subscriptionId = textOf(await ask('POST', '/events/subscriptions', subscription), 'id')
  const eventName = `private.of-${name}`
  const event = { event_name: eventName, payload: { name }, entity_type: 'secret', entity_id: name }
  const eventId = textOf(await ask('POST', '/events', event), 'id')
  const schema = { type: 'object', title: name }
  await ask('POST', '/events/schemas', { event_name: eventName, schema, examples: [{ name }] })
  const apiKeyId = textOf(await ask('POST', '/api-keys', { name, scopes: ['events:read'] }), 'id')
  await node.route()
  await node.dispatch()
  const jobId = textOf(await ask('POST', '/events/deliveries/retry', { filter: {} }), 'id')
  const replay = { source: {}, target: { subscription_ids: [subscriptionId] } }
  const replayId = textOf(await ask('POST', '/events/replays', replay), 'id')
  const [log] = rowsOf(await ask('GET', '/events/webhook-logs'))
  const things = {
    events: eventId,
    subscriptions: subscriptionId,
    deliveries: String(log?.['delivery_id']),
    'webhook-logs': String(log?.['id']),
    'api-keys': apiKeyId,
    companies: id,
    jobs: jobId,
    replays: replayId,
    schemas: eventName,
  }
  return { id, key, things }
}

function namesOfNothing(things: Inhabited['things']): Readonly<Record<string, string>> {
  const entries = Object.entries(things).map(([collection, thing]) => [collection, nameLike(thing)])
  return Object.fromEntries(entries) as Record<string, string>
}

function nameLike(thing: string): string {
  if (!/^[0-9a-f-]{36}$/.test(thing)) return thing.replace('theirs', 'nobody')
  return thing.charAt(14) === '8' ? deliveryId(newId(), newId()) : newId()
}

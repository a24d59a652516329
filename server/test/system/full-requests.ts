import { newId } from '../../src/lib/ids.ts'
import type { ApiRoute, TextPlace } from './api-routes.ts'
import { withValue } from './api-routes.ts'

const event = () => ({
  event_name: 'order.placed',
  payload: { total: 7 },
  entity_type: 'order',
  entity_id: 'o-1',
  related: [{ type: 'customer', id: 'c-1' }],
  id: newId(),
  idempotency_key: newId(),
  occurred_at: new Date().toISOString(),
  actor: { type: 'user', id: 'u-1', name: 'Ann' },
  source: 'shop',
  correlation_id: 'k-1',
  causation_id: 'k-0',
})

const call = {
  headers: { 'x-shop': 'eu' },
  auth: { type: 'basic', username: 'daybook', password: 'canary' },
}

const subscription = {
  webhook_url: 'https://example.com/hook',
  event_names: ['order.*'],
  description: 'Orders',
  filter: { branch_id: 'berlin' },
  ...call,
}

const sample = { event_name: 'order.placed', payload: { total: 7 }, entity_type: 'order', entity_id: 'o-1' }

const definition = {
  title: 'Order',
  description: 'Of a shop',
  owner: 'Sales',
  tags: ['shop'],
  compatibility: 'full',
  examples: [{}],
}

const secret = () => `whsec_${Buffer.alloc(32, 7).toString('base64')}`

/** Nothing fits it. */
const filter = { event_name: 'order.none', reason: 'http_500', from: '-1h', to: 'now' }

/** A body that is taken, with every member that takes text, by route. A route with a body has to be here. */
const retention = {
  payload_retention_days: 400,
  ledger_retention_days: null,
  rules: [{ event_name: 'order.*', payload_retention_days: 90 }],
}

const bodies: Readonly<Record<string, (nameOf: (collection: string) => string) => unknown>> = {
  setRetention: () => retention,
  previewRetention: () => retention,
  publishEvent: event,
  publishBatch: () => ({ events: [event()] }),
  createSubscription: () => ({ ...subscription, secret: secret() }),
  createDefinition: () => ({
    event_name: `order.n${newId()}`,
    ...definition,
    status: 'draft',
    schema: { type: 'object' },
  }),
  updateDefinition: () => definition,
  checkDefinition: () => ({ schema: { type: 'object' }, examples: [{}], compatibility: 'full', last: 10 }),
  importDefinitions: () => ({
    document: { event_name: 'order.imported', schema: { type: 'object' } },
    format: 'definition',
    status: 'draft',
    compatibility: 'none',
  }),
  replaceSubscription: () => subscription,
  updateSubscription: () => subscription,
  previewSubscription: () => ({ event_names: ['order.*'], filter: { branch_id: 'berlin' } }),
  enableSubscription: () => ({ recover: true }),
  recoverSubscription: () => ({ from_position: 1, expected_count: 0 }),
  testSubscription: () => sample,
  testWebhook: () => ({ ...sample, ...call, webhook_url: 'https://example.com/hook', secret: secret() }),
  rotateSecret: () => ({ secret: secret() }),
  retryDeliveries: () => ({ filter: { ...filter, state: 'failed' }, dry_run: false, expected_count: 0 }),
  cancelDeliveries: () => ({ filter, dry_run: false, expected_count: 0 }),
  createReplay: (nameOf) => ({
    source: {
      from: '-1h',
      to: 'now',
      event_names: ['order.none'],
      entities: [{ type: 'order', id: 'o-1' }],
      correlation_id: 'k-1',
      filter: { branch_id: 'berlin' },
    },
    target: { subscription_ids: [nameOf('subscriptions')] },
    mode: 'all',
    reason: 'They lost a day',
    dry_run: true,
    expected_count: 0,
  }),
  resumeReplay: () => ({ expected_count: 1_000 }),
  createApiKey: () => ({ name: 'Reader', scopes: ['events:read'], expires_at: '2999-01-01T00:00:00Z' }),
  createCompany: () => ({ name: 'Shop', settings: { allow_undeclared_events: true } }),
  updateCompany: () => ({ settings: { disable_after_failures: 7 } }),
}

/** Members of a query that are refused when alone. */
const companions: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  entity_type: { entity_id: 'o-1' },
  entity_id: { entity_type: 'order' },
  related_type: { related_id: 'c-1' },
  related_id: { related_type: 'customer' },
  actor_type: { actor_id: 'u-1' },
  actor_id: { actor_type: 'user' },
}

/** What a query has to have, by route; an export that is small, a stream that ends. */
const queries: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  exportEvents: { event_names: 'private.*' },
  exportAudit: { event_names: 'private.*' },
  streamEvents: { event_names: 'private.*', after: '0', follow: 'false' },
  getTimeline: { entity_type: 'subscription', entity_id: 'o-1' },
}

export interface FullRequest {
  readonly method: string
  /** Below the base path, with the query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
}

/** A request that is taken as it stands: every name of its path is what `nameOf` gives for its collection. */
export function fullRequest(route: ApiRoute, nameOf: (collection: string) => string): FullRequest {
  const makeBody = bodies[route.operationId]
  if (route.body && !makeBody) throw new Error(`${route.operationId} has a body; full-requests.ts has to show one`)
  const path = route.path.replaceAll(
    /([a-z-]+)\/:\w+/g,
    (_, collection: string) => `${collection}/${nameOf(collection)}`,
  )
  return {
    method: route.method,
    path: withQuery(path, queries[route.operationId] ?? {}),
    headers: {},
    body: makeBody?.(nameOf),
  }
}

/** The same with a text at one place. */
export function withText(route: ApiRoute, full: FullRequest, { part, steps }: TextPlace, text: string): FullRequest {
  const name = String(steps[0])
  switch (part) {
    case 'path':
      return { ...full, path: route.path.replace(`:${name}`, encodeURIComponent(text)) }
    case 'query':
      return { ...full, path: withQuery(full.path, { [name]: text }, companions[name]) }
    case 'header':
      return {
        ...full,
        headers: { ...full.headers, [name]: text },
        ...(full.body !== undefined && { body: withValue(full.body, ['idempotency_key'], undefined) }),
      }
    case 'body':
      return { ...full, body: withValue(full.body, steps, text) }
  }
}

type Members = Readonly<Record<string, string>>

/** The members beside those that the path has, or instead of them; `others` where it has none. */
function withQuery(path: string, members: Members, others: Members = {}): string {
  const [pathname = '', search] = path.split('?', 2)
  const given = Object.fromEntries(new URLSearchParams(search))
  const query = new URLSearchParams({ ...others, ...given, ...members }).toString()
  return query === '' ? pathname : `${pathname}?${query}`
}

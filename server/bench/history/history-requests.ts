/** What people ask of a long history: many requests of each kind, with other parameters each time. */
import { bucketMs } from '../../src/lib/time-buckets.ts'
import type { Ref, Story } from './made-event.ts'
import {
  actorOf,
  branchOf,
  chainsOf,
  correlationOf,
  customerOf,
  eventNames,
  hotCustomer,
  madeEventId,
  RARE_SOURCE,
  scatter,
  sources,
  survivorOf,
} from './made-event.ts'
import { subscriptionIdOf } from './made-ledger.ts'

export type Query = Readonly<Record<string, string>>

export interface HistoryRequest {
  readonly route: 'events' | 'facets' | 'event' | 'timeline' | 'stats' | 'audit'
  readonly query: Query
  /** Of `event`. */
  readonly id?: string
  /** The same list asked so gives the cursor to go on from. */
  readonly cursorFrom?: Query
}

export type Subject = 'history' | 'facets' | 'event' | 'timeline' | 'statistics' | 'audit'

export interface RequestKind {
  readonly subject: Subject
  readonly name: string
  /** The k-th request, from 0. */
  readonly request: (k: number) => HistoryRequest
}

/** Below `/api/v1`. */
export function pathOf({ route, id = '' }: HistoryRequest, query: Query): string {
  const paths = {
    events: '/events',
    facets: '/events/facets',
    event: `/events/${id}`,
    timeline: '/events/timeline',
    stats: '/events/stats',
    audit: '/audit',
  }
  return `${paths[route]}?${new URLSearchParams(query).toString()}`
}

export function historyKinds(story: Story): readonly RequestKind[] {
  return [
    ...pageKinds(story),
    ...facetKinds(story),
    {
      subject: 'event',
      name: 'with causes and effects',
      request: (k) => ({ route: 'event', query: {}, id: eventOf(story, k) }),
    },
    ...timelineKinds(story),
    ...statisticsKinds(story),
    ...auditKinds(story),
  ]
}

function pageKinds(story: Story): readonly RequestKind[] {
  const page = (name: string, query: (k: number) => Query, cursorFrom?: (k: number) => Query): RequestKind => ({
    subject: 'history',
    name,
    request: (k) => {
      const order = { order: k % 2 === 0 ? 'desc' : 'asc' }
      const begin = cursorFrom && { cursorFrom: { ...order, ...query(k), ...cursorFrom(k) } }
      return { route: 'events', query: { ...order, ...query(k) }, ...begin }
    },
  })
  return [
    page('all', (k) => ({ limit: String(20 + (k % 80)) })),
    page(
      'deep cursor',
      () => ({}),
      (k) => ({ to: timeIn(story, k), from: timeIn(story, k, -bucketMs.day), limit: '1' }),
    ),
    page('time range', (k) => hourOf(story, k)),
    page('by name', (k) => ({ event_names: nameOf(k) })),
    page(
      'by name, deep cursor',
      (k) => ({ event_names: nameOf(k) }),
      (k) => ({ to: timeIn(story, k), limit: '1' }),
    ),
    page('by name and time', (k) => ({ event_names: nameOf(k), ...hourOf(story, k) })),
    page('wildcard', (k) => ({ event_names: `${nameOf(k).split('.')[0]}.*` })),
    page('every name', () => ({ event_names: '*' })),
    page('entity', (k) => entity(customerOf(story, scatter(k, 21)))),
    page('large entity', (k) => ({ ...entity(hotCustomer), limit: String(20 + (k % 80)) })),
    page(
      'large entity, deep cursor',
      () => entity(hotCustomer),
      (k) => ({ to: timeIn(story, k), limit: '1' }),
    ),
    page('large entity by rare name', () => ({ ...entity(hotCustomer), event_names: 'voucher.redeemed' })),
    page('entity with related', (k) => ({ ...entity(customerOf(story, scatter(k, 21))), include_related: 'true' })),
    page('related', (k) => related(customerOf(story, scatter(k, 22)))),
    page('related to a branch', (k) => related(branchOf(scatter(k, 22)))),
    page('actor', (k) => actor(k)),
    page('actor and name', (k) => ({ ...actor(k), event_names: nameOf(k) })),
    page('source', (k) => ({ source: sources[k % sources.length] ?? '' })),
    page('rare source', () => ({ source: RARE_SOURCE })),
    page('correlation', (k) => ({ correlation_id: correlationOf(story, scatter(k, 23) % story.events) })),
    page('payload filter, 1 in 2', (k) => ({ filter: JSON.stringify({ amount: { $gt: 5_000 + (k % 100) } }) })),
    page('payload filter, 1 in 20', (k) => ({ filter: JSON.stringify({ amount: { $gt: 9_500 + (k % 10) } }) })),
    page('delivery delivered', () => ({ delivery: 'delivered' })),
    page('delivery failed', () => ({ delivery: 'failed' })),
    page('delivery cancelled', () => ({ delivery: 'cancelled' })),
    page('delivery pending', () => ({ delivery: 'pending' })),
    page('delivery none', () => ({ delivery: 'none' })),
  ]
}

function facetKinds(story: Story): readonly RequestKind[] {
  const facets = (name: string, query: (k: number) => Query): RequestKind => ({
    subject: 'facets',
    name,
    request: (k) => ({ route: 'facets', query: query(k) }),
  })
  return [
    facets('all', () => ({})),
    facets('by name', (k) => ({ event_names: nameOf(k) })),
    facets('wildcard', (k) => ({ event_names: `${nameOf(k).split('.')[0]}.*` })),
    facets('time range', (k) => hourOf(story, k)),
    facets('large entity', () => entity(hotCustomer)),
    facets('related to a branch', (k) => related(branchOf(k))),
    facets('actor', (k) => actor(k)),
  ]
}

function timelineKinds(story: Story): readonly RequestKind[] {
  const timeline = (name: string, query: (k: number) => Query, cursorFrom?: (k: number) => Query): RequestKind => ({
    subject: 'timeline',
    name,
    request: (k) => ({
      route: 'timeline',
      query: query(k),
      ...(cursorFrom && { cursorFrom: { ...query(k), ...cursorFrom(k) } }),
    }),
  })
  const small = (k: number): Query => entity(customerOf(story, scatter(k, 24)))
  const hot = entity(hotCustomer)
  const order = (k: number): Query => ({ order: k % 2 === 0 ? 'desc' : 'asc' })
  const withRelated = { include_related: 'true' }
  return [
    timeline('small', small),
    timeline('small, with related', (k) => ({ ...small(k), ...withRelated, ...order(k) })),
    timeline('merged', (k) => ({
      ...entity(survivorOf(story, 1 + (k % Math.max(1, chainsOf(story) - 1)))),
      ...withRelated,
    })),
    timeline('small, at a time', (k) => ({ ...small(k), at: timeIn(story, k) })),
    timeline('large', (k) => ({ ...hot, ...order(k) })),
    timeline(
      'large, deep cursor',
      (k) => ({ ...hot, ...order(k) }),
      (k) => ({ to: timeIn(story, k), limit: '1' }),
    ),
    timeline('large, with related', (k) => ({ ...hot, ...withRelated, ...order(k) })),
    timeline('large, with related, by time', (k) => ({ ...hot, ...withRelated, ...order(k), from: timeIn(story, k) })),
    timeline('large, at a time', (k) => ({ ...hot, at: timeIn(story, k) })),
  ]
}

function statisticsKinds(story: Story): readonly RequestKind[] {
  const stats = (name: string, query: (k: number) => Query): RequestKind => ({
    subject: 'statistics',
    name,
    request: (k) => ({ route: 'stats', query: query(k) }),
  })
  const daysAgo = (days: number): string => new Date(story.toMs - days * bucketMs.day).toISOString()
  const fromDay = (first: number, days: number): Query => ({ from: daysAgo(first + days), to: daysAgo(first) })
  return [
    stats('a day by hour', (k) => ({ ...fromDay(k % 40, 1), bucket: 'hour' })),
    stats('30 days by day', (k) => ({ ...fromDay(k % 28, 30), bucket: 'day' })),
    stats('30 days by day of a subscription', (k) => ({
      ...fromDay(k % 28, 30),
      bucket: 'day',
      subscription_id: subscriptionIdOf(story, k),
    })),
    stats('30 days by day of a name', (k) => ({ ...fromDay(k % 28, 30), bucket: 'day', event_names: nameOf(k) })),
    stats('three hours by minute', () => ({ from: '-3h', bucket: 'minute' })),
    stats('740 buckets by hour', (k) => ({ from: `-${740 - (k % 20)}h`, bucket: 'hour' })),
    stats('740 buckets by minute', (k) => ({ from: `-${740 - (k % 20)}m`, bucket: 'minute' })),
    stats('740 buckets by hour of names', (k) => ({
      from: `-${740 - (k % 20)}h`,
      bucket: 'hour',
      event_names: `${nameOf(k).split('.')[0]}.*`,
    })),
  ]
}

function auditKinds(story: Story): readonly RequestKind[] {
  const audit = (name: string, query: (k: number) => Query): RequestKind => ({
    subject: 'audit',
    name,
    request: (k) => ({ route: 'audit', query: query(k) }),
  })
  return [
    audit('all', (k) => ({ limit: String(20 + (k % 80)) })),
    audit('administration', () => ({ event_names: 'daybook.*' })),
    audit('administration by time', (k) => ({
      event_names: 'daybook.*',
      from: timeIn(story, k, -bucketMs.day),
      to: timeIn(story, k),
    })),
    audit('administration by actor', (k) => ({ event_names: 'daybook.*', ...actor(k) })),
    audit('a subscription', (k) => entity({ type: 'subscription', id: `subscription_${k % 40}` })),
    audit('actor', (k) => actor(k)),
  ]
}

function eventOf(story: Story, k: number): string {
  return madeEventId(story, scatter(k, 25) % story.events)
}

function nameOf(k: number): string {
  return eventNames[k % eventNames.length] ?? ''
}

function entity({ type, id }: Ref): Query {
  return { entity_type: type, entity_id: id }
}

function related({ type, id }: Ref): Query {
  return { related_type: type, related_id: id }
}

function actor(k: number): Query {
  const { type, id } = actorOf(scatter(k, 26))
  return { actor_type: type, actor_id: id }
}

/** A time between a tenth and the end of the story. */
function timeIn({ fromMs, toMs }: Story, k: number, laterMs = 0): string {
  const share = 0.1 + (0.9 * (scatter(k, 27) % 10_000)) / 10_000
  return new Date(Math.floor(fromMs + (toMs - fromMs) * share) + laterMs).toISOString()
}

function hourOf(story: Story, k: number): Query {
  return { from: timeIn(story, k, -bucketMs.hour), to: timeIn(story, k) }
}

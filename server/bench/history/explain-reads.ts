import type { DbPool } from '../../src/db/pools.ts'
import type { Db } from '../../src/db/statement.ts'
import { asCompany } from '../../src/db/transaction.ts'
import { countFacets } from '../../src/events/event-facets.ts'
import { getEvent } from '../../src/events/get-event.ts'
import { readLinks } from '../../src/events/linked-events.ts'
import { listEvents } from '../../src/events/list-events.ts'
import { readTimeline } from '../../src/events/timeline/read-timeline.ts'
import { eventFilterOf, eventTestsOf } from '../../src/http/event-query.ts'
import { timeOf, timeRangeOf } from '../../src/http/time-range-query.ts'
import type { Granularity } from '../../src/lib/time-buckets.ts'
import { explainRouting } from '../../src/webhooks/explain-routing.ts'
import { deliveriesOfEvent } from '../../src/webhooks/read-deliveries.ts'
import { readStats } from '../../src/webhooks/stats/read-stats.ts'
import { statsSpan } from '../../src/webhooks/stats/stats-span.ts'
import type { Plans } from './committed-plans.ts'
import type { HistoryRequest, Query, RequestKind } from './history-requests.ts'
import { planText } from './plan-text.ts'
import type { PlanNode } from './plan-text.ts'

/** Of each kind; deep in the log, at its end, and about different things. */
const REQUESTS_OF_A_KIND = 4

/** The plans of every statement that these requests come to, with their parameters, under the role of the API. */
export async function explainReads(
  api: DbPool,
  companyId: string,
  kinds: readonly RequestKind[],
  nowMs: number,
): Promise<Plans> {
  const plans = new Map<string, readonly string[]>()
  for (const { request } of kinds) {
    for (let k = 0; k < REQUESTS_OF_A_KIND; k++) {
      await asCompany(api, companyId, async (db) => await read(explaining(db, plans), companyId, request(k), nowMs))
    }
  }
  return plans
}

/** Explains each statement before it is run. */
function explaining(db: Db, plans: Map<string, readonly string[]>): Db {
  return {
    query: async (query) => {
      const text = `explain (costs off, format json) ${query.text}`
      const { rows } = await db.query<{ 'QUERY PLAN': readonly [{ readonly Plan: PlanNode }] }>({
        ...query,
        name: '',
        text,
      })
      const plan = rows[0]?.['QUERY PLAN'][0].Plan
      const known = plans.get(query.name) ?? []
      if (plan) plans.set(query.name, [...new Set([...known, planText(plan)])])
      return await db.query(query)
    },
  }
}

const elapsedMs = (): number => 0

/** What the routes do with these queries. */
async function read(
  db: Db,
  companyId: string,
  { route, query, id = '' }: HistoryRequest,
  nowMs: number,
): Promise<void> {
  const filter = eventFilterOf(trailQueryOf(query), nowMs)
  switch (route) {
    case 'events':
    case 'audit':
      await listEvents(db, companyId, filter, pageOf(query), eventTestsOf(trailQueryOf(query)), elapsedMs)
      return
    case 'facets':
      await countFacets(db, companyId, filter)
      return
    case 'event': {
      const event = await getEvent(db, companyId, id)
      await deliveriesOfEvent(db, companyId, event.id)
      await explainRouting(db, companyId, event, {})
      await readLinks(db, companyId, event)
      return
    }
    case 'timeline': {
      const entity = { type: query['entity_type'] ?? '', id: query['entity_id'] ?? '' }
      const { order = 'asc', limit } = pageOf(query)
      const at = timeOf('at', query['at'], nowMs)
      const includeRelated = query['include_related'] === 'true'
      const wanted = { ...timeRangeOf(query, nowMs), entity, at, includeRelated, order, limit }
      await readTimeline(db, companyId, wanted, elapsedMs)
      return
    }
    case 'stats': {
      const { event_names } = trailQueryOf(query)
      const span = statsSpan(timeRangeOf(query, nowMs), bucketOf(query['bucket']), nowMs)
      await readStats(db, companyId, span, { event_names, subscription_id: query['subscription_id'] })
    }
  }
}

/** The query as the schema of the route would have read it. */
function trailQueryOf({ event_names, include_related, order: _order, limit: _limit, ...texts }: Query) {
  return {
    ...texts,
    ...(event_names !== undefined && { event_names: event_names.split(',') }),
    ...(include_related !== undefined && { include_related: include_related === 'true' }),
  }
}

function pageOf({ limit, order }: Query): { limit: number | undefined; order: 'asc' | 'desc' | undefined } {
  return {
    limit: limit === undefined ? undefined : Number(limit),
    order: order === 'asc' || order === 'desc' ? order : undefined,
  }
}

function bucketOf(text: string | undefined): Granularity | 'auto' {
  return text === 'minute' || text === 'hour' || text === 'day' ? text : 'auto'
}

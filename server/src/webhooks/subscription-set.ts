import { statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import { RoutingIndex } from './routing-index.ts'

/** Of a subscription, as one of its versions has it, what routing and leasing look at. */
export interface Subscription {
  readonly companyId: string
  readonly id: string
  readonly version: number
  readonly eventNames: readonly string[]
  /** JSON; undefined lets every event through. */
  readonly filter: string | undefined
  readonly ordering: 'none' | 'entity' | 'subscription'
  readonly status: 'active' | 'inactive' | 'disabled' | 'deleted'
  readonly concurrency: number
  readonly timeoutMs: number
  /** The job that holds its new events back although it is active. */
  readonly heldBy?: string | undefined
}

export interface VersionRow {
  company_id: string
  version: number
  subscription_id: string
  event_names: string[]
  filter: string | null
  ordering: Subscription['ordering']
  status: Subscription['status']
  concurrency: number
  timeout_ms: number
  held_by: string | null
}

/** Of event_subscription_versions, for a {@link VersionRow}. */
export const versionColumns =
  'company_id, version, subscription_id, event_names, filter, ordering, status, concurrency, timeout_ms, held_by'

/** Of event_subscriptions, for a {@link VersionRow}. */
export const currentColumns =
  'company_id, version, id as subscription_id, event_names, filter, ordering, status, concurrency, timeout_ms, held_by'

const readVersions = statement<[companyId: string, after: number, upTo: number], VersionRow>(
  'subscription.read_versions',
  `select distinct on (subscription_id) ${versionColumns}
     from event_subscription_versions
    where company_id = $1 and version > $2 and version <= $3
    order by subscription_id, version desc`,
)

/**
 * Each as it is now, in the order of the ids, for which the index need not sort. Of one that is not active there is
 * neither names nor filter.
 */
const readCurrent = statement<[companyId: string], VersionRow>(
  'subscription.read_current',
  `select company_id, version, id as subscription_id, ordering, status, concurrency, timeout_ms, held_by,
          case when status = 'active' then event_names else '{}' end as event_names,
          case when status = 'active' then filter end as filter
     from event_subscriptions
    where company_id = $1
    order by id`,
)

export function toSubscription(row: VersionRow): Subscription {
  return {
    companyId: row.company_id,
    id: row.subscription_id,
    version: row.version,
    eventNames: row.event_names,
    filter: row.filter ?? undefined,
    ordering: row.ordering,
    status: row.status,
    concurrency: row.concurrency,
    timeoutMs: row.timeout_ms,
    heldBy: row.held_by ?? undefined,
  }
}

/** Whether events are sent to it as they come. */
export function isRouted({ status, heldBy }: Pick<Subscription, 'status' | 'heldBy'>): boolean {
  return status === 'active' && heldBy === undefined
}

export type RoutingLookup = Pick<RoutingIndex, 'owed' | 'owedInOrder'>

/** One company's subscriptions, at one version or a later one: it goes on as versions are read. */
export class SubscriptionSet {
  #version = 0
  readonly #byId = new Map<string, Subscription>()
  readonly #index = new RoutingIndex()

  get version(): number {
    return this.#version
  }

  /** Deleted ones included; one that is not active, or held, has neither names nor filter here. */
  get(id: string): Subscription | undefined {
    return this.#byId.get(id)
  }

  /** Who is owed an event. */
  get index(): RoutingLookup {
    return this.#index
  }

  /** @param subscriptions as they are at `version`, those that changed since {@link version} at least */
  advance(subscriptions: readonly Subscription[], version: number): void {
    for (const next of subscriptions) {
      const before = this.#byId.get(next.id)
      if (before && before.version >= next.version) continue
      if (before && isRouted(before)) this.#index.remove(before)
      if (isRouted(next)) this.#index.add(next)
      this.#byId.set(next.id, isRouted(next) ? next : { ...next, eventNames: [], filter: undefined })
    }
    this.#version = Math.max(this.#version, version)
  }
}

/**
 * The subscriptions of all companies, kept in memory. Whoever uses them first reads the company's version from its head,
 * in its own transaction, and asks for that version; only what changed since is read.
 */
export class SubscriptionSets {
  readonly #sets = new Map<string, SubscriptionSet>()

  /** The set at `version` or later: a caller that lags behind gets the newer one. */
  async get(db: Db, companyId: string, version: number): Promise<SubscriptionSet> {
    let set = this.#sets.get(companyId)
    if (!set) this.#sets.set(companyId, (set = new SubscriptionSet()))
    if (set.version < version) {
      // The first time not all versions that ever were; some of what is read may be newer than was asked for.
      const isFirst = set.version === 0
      const rows = await (isFirst ? readCurrent(db, companyId) : readVersions(db, companyId, set.version, version))
      set.advance(rows.map(toSubscription), version)
    }
    return set
  }
}

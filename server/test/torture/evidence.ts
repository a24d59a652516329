import type { Arrival } from './receivers.ts'

/**
 * What a run leaves behind, from four sides that know nothing of each other: what the publishers saw, what the receivers
 * saw, what the database holds, what the interface shows. The checker compares them.
 */
export interface Evidence {
  /** By event id. */
  readonly publishes: ReadonlyMap<string, Publish>
  /** By the first two segments of a path: an endpoint is one subscription, whatever its URL becomes. */
  readonly endpoints: ReadonlyMap<string, Endpoint>
  readonly arrivals: readonly Arrival[]
  /** In the order they were taken. */
  readonly samples: readonly HeadSample[]
  readonly database: DatabaseRows
  readonly views: readonly DeliveryAnswer[]
}

export interface Publish {
  readonly id: string
  readonly companyId: string
  readonly eventName: string
  /** The JSON text that was sent. */
  readonly payload: string
  readonly sentMs: number
  /** Undefined: the outcome is not known to the publisher. */
  acknowledgedMs: number | undefined
}

export interface Endpoint {
  readonly companyId: string
  /** In the order they were asked for. */
  readonly secrets: SecretUse[]
  /** A create that was acknowledged. */
  subscriptionId: string | undefined
  deletedMs: number | undefined
}

export interface SecretUse {
  readonly secret: string
  readonly sentMs: number
  acknowledgedMs: number | undefined
  /** For how long the one before stays valid. */
  readonly overlapMs: number
}

/** The head of a company, read while the clock of the checker went from `startMs` to `endMs`. */
export interface HeadSample {
  readonly companyId: string
  readonly startMs: number
  readonly endMs: number
  readonly lastPosition: number
  readonly version: number
}

export interface DatabaseRows {
  readonly trail: readonly { company_id: string; position: number; event_id: string; event_name: string }[]
  readonly payloads: readonly { company_id: string; id: string; payload: string }[]
  readonly versions: readonly VersionRow[]
  readonly pending: readonly PendingRow[]
  /** By delivery, in the order they were written. */
  readonly ledger: readonly LedgerRow[]
  /** Manual retries, from their events. */
  readonly retries: readonly { delivery_id: string; state_before: string }[]
  readonly outboxCount: number
  readonly fanOutCount: number
}

export interface VersionRow {
  readonly company_id: string
  readonly version: number
  readonly subscription_id: string
  readonly webhook_url: string
  readonly event_names: readonly string[]
  readonly status: string
}

export interface PendingRow {
  readonly company_id: string
  readonly id: string
  readonly subscription_id: string
  readonly event_id: string
  readonly status: string
}

export interface LedgerRow {
  readonly company_id: string
  readonly delivery_id: string
  readonly subscription_id: string
  readonly event_id: string
  readonly position: number
  readonly attempt_no: number
  readonly outcome: string
  readonly reason: string
  readonly response_status: number | null
  readonly started_ms: number
  readonly next_ms: number | null
}

/** A delivery as the interface shows it. */
export interface DeliveryAnswer {
  readonly id: string
  readonly subscription_id: string
  readonly event_id: string
  readonly state: string
  readonly attempts: number
}

/** `/company/subscription` of a path or URL: what an endpoint is known by. */
export function endpointOf(pathOrUrl: string): string {
  const path = pathOrUrl.startsWith('/') ? pathOrUrl : new URL(pathOrUrl).pathname
  return path.split('/').slice(0, 3).join('/')
}

import type { Logger } from 'pino'
import type { Pools } from '../db/pools.ts'
import type { CompanyDefinitions } from '../events/company-definitions.ts'
import type { Publisher } from '../events/publisher.ts'
import type { StreamHub, StreamLimits, StreamStats } from '../events/stream/stream-hub.ts'
import type { SchemaJudge } from '../events/schema-judge.ts'
import type { KeyRing } from '../identity/key-ring.ts'
import type { Clock } from '../lib/clock.ts'
import type { ReadinessReport } from '../lib/readiness-report.ts'
import type { Tracer } from '../lib/tracer.ts'
import type { Vault } from '../vault/vault.ts'
import type { EgressAllow } from '../webhooks/egress-policy.ts'
import type { CallContext } from '../webhooks/make-call.ts'
import type { TestWebhooks } from './test-webhooks.ts'

/** What the HTTP interface stands on. */
export interface HttpParts {
  readonly pools: Pools
  readonly vault: Vault
  readonly clock: Clock
  readonly keyRing: Pick<KeyRing, 'authenticate'>
  /** Without one, the routes of the operator refuse everybody. */
  readonly operatorKey?: string | undefined
  /** Requests per second and API key; 0 or absent is no limit. See rate-limits.ts. */
  readonly requestsPerSecondMax?: number | undefined
  readonly publisher: Pick<Publisher, 'publish'>
  readonly definitions: Pick<CompanyDefinitions, 'standard' | 'forPublish' | 'namesOf' | 'changed'>
  /** Judges schemas that companies write. */
  readonly judge: SchemaJudge
  readonly allow: EgressAllow
  /** For calls that somebody makes to try an endpoint. */
  readonly calls: CallContext
  /** Of them, per company; 60 when absent, 0 is no limit. */
  readonly testCallsPerMinuteMax?: number | undefined
  readonly logger: Logger
  /** Called after the commit of an administrative event; wakes the router. */
  readonly onRecorded: () => void
  /** Calls back once, when this process next gives events their positions; where it cannot tell, streams look by themselves. */
  readonly onceRouted?: ((wake: () => void) => void) | undefined
  readonly streamLimits?: Partial<StreamLimits> | undefined
  /** Told where to ask for the streams of this process. */
  readonly watchStreams?: ((stats: () => StreamStats) => void) | undefined
  /** Called when deliveries of a subscription have become due; wakes the dispatcher. */
  readonly onDeliveriesDue: (companyId: string, subscriptionId: string) => void
  /** What `/readyz` tells; kept up to date in the background. */
  readonly readiness: () => ReadinessReport
  /** What `/metrics` tells, in the text format of Prometheus. */
  readonly metricsText: () => Promise<string>
  /** Without one, anybody who reaches this address may read the metrics. */
  readonly metricsKey?: string | undefined
  readonly tracer?: Tracer | undefined
  /** The folder with the portal's `index.html`. */
  readonly portalDirectory: string
  readonly version: string
}

/** What routes stand on: with what they share within one process. */
export interface RouteParts extends HttpParts {
  readonly tests: TestWebhooks
  readonly streams: Pick<StreamHub, 'join' | 'serve' | 'leave'>
}

import type { LoggableError } from '../db/loggable-error.ts'
import type { TracingSettings } from '../lib/tracer.ts'
import type { MasterKeys } from '../vault/master-keys.ts'
import type { DnsServers } from '../webhooks/dns-servers.ts'
import type { EgressProxy } from '../webhooks/egress-proxy.ts'
import type { MetricsMessage } from './engine-stats.ts'
import type { RecordedMessage } from './recorded-message.ts'

/** What the process gives its engine thread at the start; plain data. */
export interface EngineSettings {
  readonly databaseUrl: string
  readonly masterKeys: MasterKeys
  readonly roles: ReadonlySet<string>
  readonly egress: EgressSettings
  /** Milliseconds. */
  readonly retrySchedule: readonly number[]
  readonly callsMax: number
  readonly version: string
  readonly failpoints: string
  /** A line in the log for each attempt. */
  readonly logsAttempts: boolean
  /** Undefined: nobody asked for spans. */
  readonly tracing: TracingSettings | undefined
}

/** Where webhooks may go, and by which way. */
export interface EgressSettings {
  /** The operator's list of places, as text. */
  readonly allow: string
  readonly dnsServers: DnsServers
  readonly proxy: EgressProxy | undefined
  /** Authorities to trust beside the public ones, as PEM. */
  readonly ca: string | undefined
}

export interface EngineStart {
  readonly settings: EngineSettings
  /** One counter, shared: bytes of payload that were sent to the thread and not yet taken there. */
  readonly bytesUnderWay: Int32Array
  /** 1 where somebody wants to be told once, by `routed`, that events were given positions. */
  readonly routedBell: Int32Array
}

export type ToEngine =
  | { readonly type: 'recorded'; readonly recorded: RecordedMessage; readonly bytes: number }
  | { readonly type: 'wake_router' }
  | { readonly type: 'wake_dispatcher'; readonly companyId: string; readonly subscriptionId: string }
  /** Answered by `stats`. */
  | { readonly type: 'read_stats' }
  | { readonly type: 'stop'; readonly graceMs: number }

export type FromEngine =
  | {
      readonly type: 'log'
      readonly level: 'debug' | 'info' | 'warn' | 'error'
      readonly facts: Readonly<Record<string, unknown>>
      readonly error: LoggableError | undefined
      readonly message: string
    }
  | { readonly type: 'stats'; readonly metrics: MetricsMessage }
  | { readonly type: 'routed' }
  | { readonly type: 'stopped' }

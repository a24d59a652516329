import { Counter, Gauge, Histogram } from '@prometheus-io/client'
import type { MetricObjectWithValues, MetricValue, Registry } from '@prometheus-io/client'
import type { PoolLoad } from '../db/pools.ts'
import type { DispatcherStats } from '../webhooks/lanes.ts'
import type { AttemptRecord } from '../webhooks/record-results.ts'
import { measureThread } from './thread-metrics.ts'

/** Metrics as plain data, on their way between threads. */
export type MetricsMessage = readonly MetricObjectWithValues<MetricValue<string>>[]

/** What the engine's thread counts while it lives. */
export interface EngineStats {
  attempted(record: Pick<AttemptRecord, 'outcome' | 'reason' | 'timings'>): void
  /** Results that came after their lease had ended. */
  fenced(count: number): void
  /** Deliveries whose lease had run out, taken over from whoever held them. */
  takenOver(count: number): void
  read(): Promise<MetricsMessage>
  stop(): void
}

interface EngineStatsOptions {
  readonly loads: () => readonly PoolLoad[]
  /** Undefined where no dispatcher runs. */
  readonly dispatcher: () => DispatcherStats | undefined
  /** Undefined where no router runs. */
  readonly leads: () => boolean | undefined
}

/** Seconds. */
const attemptBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** No label names a company or a subscription: there are too many, and who reads metrics need not know them. */
export function createEngineStats({ loads, dispatcher, leads }: EngineStatsOptions): EngineStats {
  const { registry, stop } = measureThread('engine', loads)
  const registers = [registry]
  const attempts = new Counter({
    name: 'daybook_attempts_total',
    help: 'Webhook calls made, by what they meant for their delivery and by the class of what happened.',
    labelNames: ['outcome', 'class'],
    registers,
  })
  const duration = new Histogram({
    name: 'daybook_attempt_duration_seconds',
    help: 'How long webhook calls took, from the wait for a connection to the end of the answer.',
    buckets: attemptBuckets,
    registers,
  })
  const fenced = new Counter({
    name: 'daybook_results_fenced_total',
    help: 'Results that did not count: they came after their lease had ended.',
    registers,
  })
  const takenOver = new Counter({
    name: 'daybook_leases_taken_over_total',
    help: 'Deliveries taken over after the lease of an earlier attempt had run out.',
    registers,
  })
  registry.registerMetric(
    new Gauge({
      name: 'daybook_router_leader',
      help: '1 when the router of this process leads.',
      labelNames: ['name'],
      registers: [],
      collect() {
        const state = leads()
        if (state !== undefined) this.set({ name: 'router' }, state ? 1 : 0)
      },
    }),
  )
  addDispatcherGauges(registry, dispatcher)
  return {
    attempted: ({ outcome, reason, timings }) => {
      attempts.inc({ outcome, class: classOf(reason) })
      if (timings.totalMs !== undefined) duration.observe(timings.totalMs / 1_000)
    },
    fenced: (count) => fenced.inc(count),
    takenOver: (count) => takenOver.inc(count),
    read: async () => await registry.getMetricsAsJSON(),
    stop,
  }
}

function addDispatcherGauges(registry: Registry, dispatcher: () => DispatcherStats | undefined): void {
  const gauge = (
    name: string,
    help: string,
    states: (stats: DispatcherStats) => Readonly<Record<string, number>>,
  ): void => {
    registry.registerMetric(
      new Gauge({
        name,
        help,
        labelNames: ['state'],
        registers: [],
        collect() {
          const stats = dispatcher()
          for (const [state, value] of Object.entries(stats ? states(stats) : {})) this.set({ state }, value)
        },
      }),
    )
  }
  gauge('daybook_slots', 'Slots for webhook calls; parked are calls that take long and use none.', (stats) => ({
    used: stats.slotsUsed,
    max: stats.slotsMax,
    parked: stats.parked,
  }))
  gauge('daybook_slow_lane_slots', 'The part of the slots that slow receivers share.', (stats) => ({
    used: stats.slowLaneUsed,
    max: stats.slowLaneMax,
  }))
  gauge('daybook_breakers', 'Receivers that are not called for a while, and those being tried again.', (stats) => ({
    open: stats.breakersOpen,
    recovering: stats.breakersRecovering,
  }))
}

/** `http_503` counts as `http_5xx`; all other reasons are few and stay as they are. */
function classOf(reason: string): string {
  return reason.replace(/^http_(\d)\d\d$/, 'http_$1xx')
}

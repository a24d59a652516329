import { readdirSync } from 'node:fs'
import { Counter, Gauge, Registry } from '@prometheus-io/client'
import type { PoolLoad } from '../db/pools.ts'
import type { Db } from '../db/statement.ts'
import { readOldestTransaction } from '../db/inspect-server.ts'
import { readOutboxLag } from '../events/outbox-lag.ts'
import type { StreamStats } from '../events/stream/stream-hub.ts'
import type { Clock } from '../lib/clock.ts'
import type { ReadinessReport } from '../lib/readiness-report.ts'
import { readinessChecks } from '../lib/readiness-report.ts'
import { readOldestDue, readQueueDepth } from '../webhooks/queue-depth.ts'
import type { MetricsMessage } from './engine-stats.ts'
import { measureThread } from './thread-metrics.ts'

/** The page that Prometheus reads: both threads, and what the database knows of the queues. */
export interface ProcessMetrics {
  /** Events were accepted: committed, and not a repeat. */
  accepted(count: number): void
  /** Where to ask for the streams of this process. */
  watchStreams(stats: () => StreamStats): void
  /**
   * In the text format of Prometheus, version 0.0.4. As it was, for a second and until a new one is made: it is
   * read once at a time. Never rejects for want of an engine or a database.
   */
  text(): Promise<string>
  stop(): void
}

export interface ProcessMetricsOptions {
  readonly clock: Pick<Clock, 'elapsed'>
  /** As the engine's role. Its time-outs bound the page. */
  readonly db: Db
  /** Without another role. */
  readonly owner: Db
  readonly loads: () => readonly PoolLoad[]
  /** Undefined when the engine does not answer; absent where there is none. */
  readonly readEngine?: (() => Promise<MetricsMessage | undefined>) | undefined
  readonly readiness: () => ReadinessReport
  readonly clockDifferenceMs: () => number | undefined
}

const KEPT_MS = 1_000

/** Rows that are counted of a queue; a longer one is shown as this long. */
const COUNTED_MAX = 100_000

export function createProcessMetrics(options: ProcessMetricsOptions): ProcessMetrics {
  const { clock } = options
  const { registry, stop } = measureThread('main', options.loads)
  const accepted = new Counter({
    name: 'daybook_events_accepted_total',
    help: 'Events that were published to this process and committed.',
    registers: [registry],
  })
  addProcessGauges(registry)
  addReadinessGauges(registry, options)

  const read = async (): Promise<string> => {
    const [engine, queues] = await Promise.all([options.readEngine?.(), readQueues(options)])
    const parts = [await registry.getMetricsAsJSON(), engine ?? [], await queues.getMetricsAsJSON()]
    return await Registry.aggregate(parts.map((part) => [...part])).metrics()
  }
  let kept: { readonly text: Promise<string>; readonly until: number } | undefined
  let isReading = false
  const renew = (): Promise<string> => {
    isReading = true
    const text = read().finally(() => (isReading = false))
    kept = { text, until: clock.elapsed() + KEPT_MS }
    return text
  }
  return {
    accepted: (count) => accepted.inc(count),
    watchStreams: (stats) => addStreamGauges(registry, stats),
    text: () => (kept && (isReading || clock.elapsed() < kept.until) ? kept.text : renew()),
    stop,
  }
}

/** What cannot be asked is left out: no number is better than an old one. */
async function readQueues({ db, owner }: ProcessMetricsOptions): Promise<Registry> {
  const registry = new Registry()
  const gauge = (name: string, help: string, label: string, values: Readonly<Record<string, number>>): void => {
    const made = new Gauge({ name, help, labelNames: [label], registers: [registry] })
    for (const [value, number] of Object.entries(values)) made.set({ [label]: value }, number)
  }
  try {
    const outbox = await readOutboxLag(db, COUNTED_MAX)
    const deliveries = await readQueueDepth(db, COUNTED_MAX)
    const oldestDue = await readOldestDue(db)
    const held = await readOldestTransaction(owner)
    gauge('daybook_queue_rows', `What waits, counted up to ${COUNTED_MAX}.`, 'state', {
      unrouted: outbox.rows,
      due: deliveries.due,
      leased: deliveries.leased,
      later: deliveries.later,
      blocked: deliveries.blocked,
    })
    gauge('daybook_queue_oldest_seconds', 'For how long the first of the queue has waited.', 'queue', {
      router: outbox.oldestSeconds,
      deliveries: oldestDue,
    })
    gauge('daybook_database_oldest_transaction_seconds', 'Age of the oldest transaction that is open.', 'scope', {
      database: held?.seconds ?? 0,
    })
  } catch {
    registry.clear() // the check of the database in daybook_ready says it
  }
  return registry
}

function addReadinessGauges(
  registry: Registry,
  { readiness, clockDifferenceMs }: Pick<ProcessMetricsOptions, 'readiness' | 'clockDifferenceMs'>,
): void {
  registry.registerMetric(
    new Gauge({
      name: 'daybook_ready',
      help: 'The checks of /readyz: 1 when one holds.',
      labelNames: ['check'],
      registers: [],
      collect() {
        const report = readiness()
        for (const check of readinessChecks) this.set({ check }, report[check] === undefined ? 1 : 0)
      },
    }),
  )
  registry.registerMetric(
    new Gauge({
      name: 'daybook_clock_ahead_seconds',
      help: "How far the clock of this machine is ahead of the database's.",
      labelNames: ['of'],
      registers: [],
      collect() {
        this.reset()
        const ms = clockDifferenceMs()
        if (ms !== undefined) this.set({ of: 'database' }, ms / 1_000)
      },
    }),
  )
}

function addGauge(registry: Registry, name: string, help: string, read: () => number | undefined): void {
  registry.registerMetric(
    new Gauge({
      name,
      help,
      registers: [],
      collect() {
        const value = read()
        if (value !== undefined) this.set(value)
      },
    }),
  )
}

function addStreamGauges(registry: Registry, stats: () => StreamStats): void {
  addGauge(registry, 'daybook_streams', 'Open streams of events.', () => stats().streams)
  addGauge(
    registry,
    'daybook_streams_behind',
    'Open streams that have not come to the newest event that was read.',
    () => stats().behind,
  )
  addGauge(
    registry,
    'daybook_stream_held_bytes',
    'Events that are held for streams, and pages that wait for their sockets.',
    () => stats().heldBytes,
  )
}

/** By the names that other programs use for them. */
function addProcessGauges(registry: Registry): void {
  const gauge = (name: string, help: string, read: () => number | undefined): void => {
    addGauge(registry, name, help, read)
  }
  const startedAt = performance.timeOrigin / 1_000
  registry.registerMetric(
    new Counter({
      name: 'process_cpu_seconds_total',
      help: 'Processor time, user and system.',
      registers: [],
      collect() {
        const { user, system } = process.cpuUsage()
        this.reset()
        this.inc((user + system) / 1e6)
      },
    }),
  )
  gauge('process_resident_memory_bytes', 'Memory of the process, all threads.', () =>
    unlessShort(process.memoryUsage.rss),
  )
  gauge('process_start_time_seconds', 'When the process began, seconds since 1970.', () => startedAt)
  if (process.platform === 'linux') {
    gauge('process_open_fds', 'File descriptors in use.', () => unlessShort(() => readdirSync('/proc/self/fd').length))
  }
}

/** What opens a file throws when no descriptor is left. Then the number is missing, and the page is there. */
function unlessShort(read: () => number): number | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

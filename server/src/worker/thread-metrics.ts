import { getHeapStatistics } from 'node:v8'
import { Gauge, Histogram, Registry } from '@prometheus-io/client'
import type { PoolLoad } from '../db/pools.ts'

/** What is measured of each thread, told apart by the label `thread`. */
export interface ThreadMetrics {
  readonly registry: Registry
  /** Ends the measuring. */
  stop(): void
}

const LOOP_EVERY_MS = 50

/** Seconds. */
const loopBuckets = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]

export function measureThread(thread: 'main' | 'engine', loads: () => readonly PoolLoad[]): ThreadMetrics {
  const registry = new Registry()
  const registers = [registry]
  const delay = new Histogram({
    name: 'daybook_event_loop_delay_seconds',
    help: 'How late a timer of the thread fires: what everything in the thread waits behind.',
    labelNames: ['thread'],
    buckets: loopBuckets,
    registers,
  })
  const stop = measureLoop((seconds) => delay.observe({ thread }, seconds))
  registry.registerMetric(
    new Gauge({
      name: 'daybook_heap_bytes',
      help: 'Memory of the JavaScript heap of the thread.',
      labelNames: ['thread', 'state'],
      registers: [],
      collect() {
        // Not process.memoryUsage: that opens a file, and throws when the process has no descriptor left.
        const { used_heap_size, total_heap_size } = getHeapStatistics()
        this.set({ thread, state: 'used' }, used_heap_size)
        this.set({ thread, state: 'reserved' }, total_heap_size)
      },
    }),
  )
  registry.registerMetric(
    new Gauge({
      name: 'daybook_database_connections',
      help: 'Connections to the database by pool; waiting are those who wait for one.',
      labelNames: ['thread', 'pool', 'state'],
      registers: [],
      collect() {
        for (const { pool, inUse, idle, waiting } of loads()) {
          this.set({ thread, pool, state: 'in_use' }, inUse)
          this.set({ thread, pool, state: 'idle' }, idle)
          this.set({ thread, pool, state: 'waiting' }, waiting)
        }
      },
    }),
  )
  return { registry, stop }
}

/** A timer that notes how late it is. It keeps no thread alive. */
function measureLoop(observe: (seconds: number) => void): () => void {
  let due = performance.now() + LOOP_EVERY_MS
  const timer = setInterval(() => {
    const now = performance.now()
    observe(Math.max(0, now - due) / 1_000)
    due = now + LOOP_EVERY_MS
  }, LOOP_EVERY_MS)
  timer.unref()
  return () => clearInterval(timer)
}

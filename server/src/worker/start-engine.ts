import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { reviveError } from '../db/loggable-error.ts'
import type { LoggedEvent } from '../events/event.ts'
import type { EngineSettings, EngineStart, FromEngine, ToEngine } from './engine-messages.ts'
import type { MetricsMessage } from './engine-stats.ts'
import { packRecorded } from './recorded-message.ts'

/** The engine of this process, in a thread of its own. */
export interface RunningEngine {
  /** Events were committed by this process; the engine need not read them back. */
  recorded(events: readonly LoggedEvent[]): void
  /** There is something in the outbox that {@link recorded} did not tell of. */
  wakeRouter(): void
  /** Deliveries of this subscription may be due. */
  wakeDispatcher(companyId: string, subscriptionId: string): void
  /** Calls back once, when this process next gives events their positions; of several wishes the last one counts. */
  onceRouted(wake: () => void): void
  /** What the thread counted; it answers between two pieces of work, or not at all, so whoever asks sets a limit. */
  readStats(): Promise<MetricsMessage>
  /** Finishes what is under way, `graceMs` at most, and hands the leases back. Safe to call twice. */
  stop(graceMs: number): Promise<void>
}

/** When more is under way, the engine is told only that there is something, and reads it when it gets there. */
const BYTES_UNDER_WAY_MAX = 4 * 1024 * 1024

/** What a message costs per event beside its payload, roughly. */
const EVENT_BYTES = 1_000

interface Log {
  error(facts: object, message: string): void
  warn(facts: object, message: string): void
  info(facts: object, message: string): void
  debug(facts: object, message: string): void
}

/**
 * Starts the thread. An exception that nobody caught in it ends the process, like one in the main thread: what it had
 * under way is in an unknown state, and the next start goes on from what the database holds.
 */
export function startEngine(settings: EngineSettings, log: Log): RunningEngine {
  const bytesUnderWay = new Int32Array(new SharedArrayBuffer(4))
  const routedBell = new Int32Array(new SharedArrayBuffer(4))
  const workerData: EngineStart = { settings, bytesUnderWay, routedBell }
  const worker = new Worker(new URL('./engine-thread.ts', import.meta.url), { name: 'engine', workerData })
  const ended = once(worker, 'exit')
  const tell = (message: ToEngine): void => worker.postMessage(message)
  /** One question at a time: whoever asks meanwhile gets the same answer. */
  let asked: PromiseWithResolvers<MetricsMessage> | undefined
  let onRouted = (): void => {}
  worker.on('message', (message: FromEngine) => {
    if (message.type === 'routed') onRouted()
    if (message.type === 'stats') {
      asked?.resolve(message.metrics)
      asked = undefined
    }
    // It is done. What a library has open still, such as a request to a receiver of traces that hangs, is not waited for.
    if (message.type === 'stopped') void worker.terminate()
    if (message.type !== 'log') return
    const { level, facts, error, message: text } = message
    log[level]({ ...facts, ...(error && { err: reviveError(error) }) }, text)
  })
  worker.on('error', (error) => {
    throw error
  })

  let stopping: Promise<void> | undefined
  const stop = async (graceMs: number): Promise<void> => {
    tell({ type: 'stop', graceMs })
    await ended
  }
  return {
    recorded: (events) => {
      const bytes = events.reduce((sum, event) => sum + event.payload.length + EVENT_BYTES, 0)
      if (Atomics.load(bytesUnderWay, 0) + bytes > BYTES_UNDER_WAY_MAX) return tell({ type: 'wake_router' })
      Atomics.add(bytesUnderWay, 0, bytes)
      tell({ type: 'recorded', recorded: packRecorded(events), bytes })
    },
    wakeRouter: () => tell({ type: 'wake_router' }),
    wakeDispatcher: (companyId, subscriptionId) => tell({ type: 'wake_dispatcher', companyId, subscriptionId }),
    onceRouted: (wake) => {
      onRouted = wake
      Atomics.store(routedBell, 0, 1)
    },
    readStats: () => {
      if (!asked) {
        asked = Promise.withResolvers()
        tell({ type: 'read_stats' })
      }
      return asked.promise
    },
    stop: (graceMs) => (stopping ??= stop(graceMs)),
  }
}

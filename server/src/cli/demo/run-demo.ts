import { DaybookClient } from '@daybook/sdk'
import type { Subscription } from '../../contract/subscription.ts'
import { systemClock } from '../../lib/clock.ts'
import { newId } from '../../lib/ids.ts'
import type { Read } from '../connection.ts'
import { listAll } from '../list-all.ts'
import type { Terminal } from '../terminal.ts'
import { bookingDay } from './booking-day.ts'
import type { DemoDirectory } from './demo-directory.ts'
import { openDemoDirectory } from './demo-directory.ts'
import { inBatches } from './in-batches.ts'
import type { Progress } from './progress.ts'
import { showProgress } from './progress.ts'
import { seededRandom } from './random.ts'
import { startReceiver } from './receiver.ts'
import { ServerProcess } from './server-process.ts'
import type { DemoResult } from './tally.ts'
import { Tally } from './tally.ts'

export interface DemoOptions {
  readonly events: number
  readonly seed: number | undefined
  readonly dataDir: string | undefined
  /** Ends the demo in good order; it rejects with the signal's reason. */
  readonly signal: AbortSignal
  /** Aborted when there is no time for good order any more. */
  readonly hurry: AbortSignal
}

export interface DemoReport {
  readonly result: DemoResult
  readonly seed: number
  /** Calls with a wrong signature. */
  readonly forged: number
  /** Events of an earlier demo on the same data that arrived now. */
  readonly earlier: number
  /** How often the server ended unasked. After that, copies are within what is promised: at least once. */
  readonly restarts: number
}

/** How long nothing may happen before what is missing counts as lost. */
const quietMs = 30_000

/**
 * Starts a Daybook, subscribes a receiver of its own to every event, publishes a day through the public interface, waits
 * until nothing is owed any more, and stops all it started. Every id that was accepted is held against every id that arrived.
 */
export async function runDemo(terminal: Terminal, options: DemoOptions): Promise<DemoReport> {
  const tally = new Tally()
  const progress = showProgress(terminal, () => describe(tally, options.events))
  try {
    const directory = await openDemoDirectory(options.dataDir)
    try {
      return await demonstrate(terminal, options, directory, tally, progress)
    } finally {
      await directory.release()
    }
  } finally {
    progress.end()
  }
}

async function demonstrate(
  { env }: Terminal,
  options: DemoOptions,
  directory: DemoDirectory,
  tally: Tally,
  progress: Progress,
): Promise<DemoReport> {
  const { dataDir, apiKey, secret } = directory
  const seed = options.seed ?? directory.run
  const forgeries: unknown[] = []
  const receiver = await startReceiver({
    secret,
    onEvent: (id, atMs) => tally.receive(id, atMs),
    onForgery: (error) => {
      tally.refuse()
      forgeries.push(error)
    },
  })
  const server = new ServerProcess({ env, dataDir, apiKey, log: progress.say })
  const signal = AbortSignal.any([options.signal, server.broken])
  try {
    progress.say(`Starting a Daybook in ${dataDir}`)
    await server.start()
    signal.throwIfAborted()
    // Patient enough for a server that is killed and comes back.
    const client = new DaybookClient({ baseUrl: server.url, apiKey, maxRetries: 12, deadlineMs: 300_000 })
    const subscription = await subscribe(client, receiver.url, secret)
    progress.say(`Living a day of ${options.events} events (seed ${seed})`)
    await publishDay(client, tally, options.events, seed, signal)
    await waitForRest(client, tally, server, subscription.id, signal)
  } finally {
    // The receiver stays until the server is gone: copies on their way shall be counted.
    await server.stop(options.hurry)
    await receiver.close()
  }
  const { restarts } = server
  return { result: tally.result(), seed, forged: forgeries.length, earlier: tally.earlier, restarts }
}

const description = 'The receiver of daybook demo'

/** One subscription to all business events; that of an earlier demo is turned to the new receiver. */
async function subscribe(client: DaybookClient, url: string, secret: string): Promise<Subscription> {
  const path = '/events/subscriptions'
  const read: Read = async (from, query = {}) => await client.request('GET', from, { query })
  for await (const one of listAll<Subscription>(read, path)) {
    if (one.description !== description) continue
    const change = { webhook_url: url, active: true }
    return await client.request<Subscription>('PATCH', `${path}/${one.id}`, { body: change })
  }
  // A short deadline makes for short leases: what a kill interrupts is taken up again soon.
  const body = { webhook_url: url, event_names: ['*'], description, secret, timeout_ms: 5_000 }
  return await client.request<Subscription>('POST', path, { body })
}

async function publishDay(
  client: DaybookClient,
  tally: Tally,
  events: number,
  seed: number,
  signal: AbortSignal,
): Promise<void> {
  const day = bookingDay({ events, seed, nowMs: systemClock.now(), newEventId: newId })
  for (const batch of inBatches(day, seededRandom(seed))) {
    const [only, ...more] = batch
    if (only && more.length === 0) await client.events.publish(only, { signal })
    else await client.events.publishBatch(batch, { signal })
    const atMs = performance.now()
    for (const { id } of batch) tally.accept(id, atMs)
  }
}

/** Resolves when everything arrived and the server owes nothing, or when nothing happened for so long that it never will. */
async function waitForRest(
  client: DaybookClient,
  tally: Tally,
  server: ServerProcess,
  subscriptionId: string,
  signal: AbortSignal,
): Promise<void> {
  let seen = tally.attempts
  let seenAtMs = performance.now()
  for (;;) {
    signal.throwIfAborted()
    if (tally.delivered === tally.published && (await owesNothing(client, subscriptionId))) return
    if (tally.attempts !== seen) {
      seen = tally.attempts
      seenAtMs = performance.now()
    }
    if (performance.now() - Math.max(seenAtMs, server.startedAtMs) > quietMs) return
    await systemClock.sleep(50, signal)
  }
}

async function owesNothing(client: DaybookClient, subscriptionId: string): Promise<boolean> {
  const query = { state: 'pending', subscription_id: subscriptionId, limit: 1 }
  try {
    const { data } = await client.request<{ data: readonly unknown[] }>('GET', '/events/deliveries', { query })
    return data.length === 0
  } catch {
    // On its way back after a kill, perhaps; asked again soon.
    return false
  }
}

function describe({ published, delivered }: Tally, events: number): string {
  return published === 0 ? '' : `published ${published} of ${events}, delivered ${delivered}`
}

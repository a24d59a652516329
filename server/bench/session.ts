import { chmod, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DaybookClient } from '@daybook/sdk'
import { APPOINTMENT } from './appointment.ts'
import type { Baseline } from './baseline.ts'
import type { Calls, Helper } from './calls.ts'
import { startHelper } from './calls.ts'
import type { Generator, PublishPlan, PublishReport } from './generator.ts'
import { Ledger } from './ledger.ts'
import type { Receiver } from './receiver.ts'
import type { ServerProcess } from './server-process.ts'
import { startServerProcess } from './server-process.ts'
import type { Size } from './size.ts'

/** What the scenarios share: the helper processes, the server in its present form, and the ledger of the whole run. */
export interface Session {
  readonly size: Size
  readonly receiver: Helper<Receiver>
  readonly generator: Helper<Generator>
  readonly baseline: Helper<Baseline>
  /** `http://127.0.0.1:port` of the receiver. */
  readonly receiverUrl: string
  /** A directory for the baseline's own database. */
  readonly baselineDir: string
  readonly ledger: Ledger
  /** The running server; started with all roles when there is none. */
  readonly server: () => Promise<ServerProcess>
  /** Stops the running server, if there is one, and starts it on the same data with these variables. */
  readonly restart: (variables?: Readonly<Record<string, string>>) => Promise<ServerProcess>
  /** Kills the running server (SIGKILL); its database runs on, as it does when a process dies, until the next start finds it. */
  readonly kill: () => Promise<void>
  readonly client: () => Promise<DaybookClient>
  readonly apiKey: string
  /** Where the server keeps its database. */
  readonly dataDir: string
  /** For a database with a long history; not made yet. */
  readonly historyDir: string
  /** Called when the run ends, or is interrupted. */
  readonly onEnd: (end: () => Promise<void>) => void
}

const apiKey = `dbk_${'benchmark'.repeat(4)}`

/** `stack` ends what is started here, newest first. */
export async function openSession(size: Size, stack: AsyncDisposableStack): Promise<Session> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'daybook-bench-')))
  stack.defer(async () => await rm(directory, { recursive: true, force: true, maxRetries: 3 }))
  await chmod(directory, 0o755) // for root, whose PostgreSQL runs under another account

  const start = <Own extends Calls<Own>>(module: string): Helper<Own> => {
    const helper = startHelper<Own>(new URL(module, import.meta.url))
    stack.defer(async () => await helper.stop())
    return helper
  }
  const receiver = start<Receiver>('./receiver.ts')
  const generator = start<Generator>('./generator.ts')
  const baseline = start<Baseline>('./baseline.ts')

  const dataDir = join(directory, 'data')
  // Kept as a promise, so that one that is still starting is stopped as well.
  let running: Promise<ServerProcess> | undefined
  let isClosing = false
  const stopServer = async (): Promise<void> => {
    const stopped = await running?.catch(() => undefined) // one that did not start has nothing to stop
    running = undefined
    await stopped?.stop()
  }
  stack.defer(async () => {
    isClosing = true
    await stopServer()
  })
  const restart: Session['restart'] = async (variables = {}) => {
    await stopServer()
    if (isClosing) throw new Error('The benchmark was stopped')
    running = startServerProcess({ dataDir, apiKey, variables })
    return await running
  }
  const kill = async (): Promise<void> => {
    await (await running)?.kill()
    running = undefined
  }
  const server = async (): Promise<ServerProcess> => await (running ?? restart())
  return {
    size,
    receiver,
    generator,
    baseline,
    receiverUrl: `http://127.0.0.1:${await receiver.ask('listen')}`,
    baselineDir: join(directory, 'baseline'),
    ledger: new Ledger(),
    server,
    restart,
    kill,
    client: async () => new DaybookClient({ baseUrl: (await server()).url, apiKey }),
    apiKey,
    dataDir,
    historyDir: join(directory, 'history'),
    onEnd: (end) => stack.defer(end),
  }
}

type Plan = Omit<PublishPlan, 'url' | 'apiKey' | 'names'> & { readonly names?: readonly string[] }

/** Publishes and enters what was accepted into the ledger */
export async function publish({ generator, ledger, server }: Session, plan: Plan): Promise<PublishReport> {
  const { url } = await server()
  const report = await generator.ask('publish', { url, apiKey, names: [APPOINTMENT], ...plan })
  ledger.accept(report.ids)
  return report
}

/** Waits until so many calls were received since the last time, and enters them into the ledger. */
export async function receive({ receiver, ledger, size }: Session, count: number): Promise<void> {
  await receiver.ask('until', count, size.receiptLimitMs)
  ledger.receive(await receiver.ask('take'))
}

/** The time of the last of these receipts; NaN when one is missing. */
export function lastReceiptMs({ ledger }: Session, ids: readonly string[]): number {
  return ids.reduce((latest, id) => Math.max(latest, ledger.receivedAtMs(id) ?? Number.NaN), 0)
}

/**
 * From the answer that told of the commit to the receipt, for each event; 0 when the receipt came first. Throws when one
 * came before its publish was sent: then the clocks of the processes disagree and no time is worth anything.
 */
export function deliveryTimesMs({ ledger }: Session, { ids, sentAtMs, answeredAtMs }: PublishReport): number[] {
  return ids.map((id, index) => {
    const receivedAtMs = ledger.receivedAtMs(id) ?? Number.POSITIVE_INFINITY
    if (receivedAtMs < (sentAtMs[index] ?? 0)) throw new Error('An event was received before it was published')
    return Math.max(0, receivedAtMs - (answeredAtMs[index] ?? Number.NaN))
  })
}

/** From when the request was due to its answer, for each event. */
export function acceptTimesMs({ sentAtMs, answeredAtMs }: PublishReport): number[] {
  return Array.from(answeredAtMs, (atMs, index) => atMs - (sentAtMs[index] ?? Number.NaN))
}

export interface Subscription {
  readonly id: string
}

/** Subscribes a path of the receiver. */
export async function subscribe(
  { receiverUrl, client }: Session,
  path: string,
  options: {
    readonly event_names: readonly string[]
    readonly filter?: object
    readonly concurrency?: number
    readonly timeout_ms?: number
  },
): Promise<Subscription> {
  const body = { webhook_url: receiverUrl + path, ...options }
  return await (await client()).request<Subscription>('POST', '/events/subscriptions', { body })
}

/**
 * `npm run bench`: the figures of the design, beside the machine's own limits measured in the same run. Generator,
 * server and receiver are processes of their own; this one orchestrates and is idle while anything is measured.
 */
import { availableParallelism, cpus } from 'node:os'
import type { FigureName, Measured } from './figures.ts'
import { figureTable, reconciled } from './figures.ts'
import type { Options, ScenarioName } from './options.ts'
import { parseOptions, scenarioNames, usage } from './options.ts'
import { measureBacklog } from './scenarios/backlog.ts'
import { measureCrowd } from './scenarios/crowd.ts'
import { measureHanging } from './scenarios/hanging.ts'
import { measureHistory } from './scenarios/history.ts'
import { measureLatency } from './scenarios/latency.ts'
import { measureLimits } from './scenarios/limits.ts'
import { measureReplay } from './scenarios/replay.ts'
import { measureRetention } from './scenarios/retention.ts'
import { measureStart } from './scenarios/start.ts'
import { measureEndToEnd, measureSingles } from './scenarios/throughput.ts'
import { openSession, publish, receive, subscribe } from './session.ts'
import type { Session } from './session.ts'

async function run(options: Options, stack: AsyncDisposableStack): Promise<void> {
  const session = await openSession(options.size, stack)
  const measured: Partial<Record<FigureName, number>> = {}
  const isWanted: IsWanted = (...names) => names.some((name) => options.scenarios.has(name))
  const measure: Measure = async (what, scenario) => {
    console.error(`measuring ${what} …`)
    Object.assign(measured, await scenario(session))
  }

  if (isWanted('limits', 'end_to_end')) await measure('the limits of this machine', measureLimits)
  if (isWanted(...scenarioNames.filter((name) => name !== 'limits' && name !== 'history'))) {
    await measureServer(session, isWanted, measure)
  }
  if (isWanted('history')) await measure('what is asked of a long history', measureHistory)

  const { ledger } = session
  ledger.receive(await session.receiver.ask('take')) // copies that came late
  Object.assign(measured, ratios(measured), {
    events: ledger.accepted,
    lost: ledger.lost,
    duplicated: ledger.duplicated,
  })
  print(options, measured)
  if (Object.entries(measured).some(([name, value]) => reconciled.has(name) && value > 0)) process.exitCode = 1
}

type IsWanted = (...names: ScenarioName[]) => boolean
type Measure = (what: string, scenario: (session: Session) => Promise<Measured>) => Promise<void>

async function measureServer(session: Session, isWanted: IsWanted, measure: Measure): Promise<void> {
  // One subscription gets everything; the scenario with many endpoints comes last, without it.
  const all = await subscribe(session, '/all', { event_names: ['*'], concurrency: 256 })
  await warmUp(session)
  if (isWanted('end_to_end', 'memory')) await measure('end to end, in batches', measureEndToEnd)
  if (isWanted('singles')) await measure('end to end, one by one', measureSingles)
  if (isWanted('latency')) await measure('latency', measureLatency)
  if (isWanted('start')) await measure('the start', measureStart)
  if (isWanted('backlog')) await measure('with deliveries waiting', measureBacklog)
  if (isWanted('replay')) await measure('a replay', measureReplay)
  if (isWanted('retention')) await measure('retention', measureRetention)
  if (isWanted('hanging', 'crowd')) {
    await (await session.client()).request('DELETE', `/events/subscriptions/${all.id}`)
  }
  if (isWanted('hanging')) {
    await measure('with endpoints that hang', measureHanging)
  }
  if (isWanted('crowd')) await measure('with a crowd of subscriptions', measureCrowd)
}

/** The code that is measured is compiled by then, on both ways of publishing. */
async function warmUp(session: Session): Promise<void> {
  const half = Math.ceil(session.size.warmUp / 2)
  const batches = await publish(session, { events: half, batch: 100, connections: 8 })
  const singles = await publish(session, { events: half, batch: 1, connections: 64 })
  await receive(session, batches.ids.length + singles.ids.length)
}

function ratios({ end_to_end_per_s, limit_posts_per_s, drain_per_s }: Measured): Measured {
  if (end_to_end_per_s === undefined) return {}
  return {
    ...(limit_posts_per_s !== undefined && { ratio: end_to_end_per_s / limit_posts_per_s }),
    ...(drain_per_s !== undefined && { drain_ratio: drain_per_s / end_to_end_per_s }),
  }
}

function print(options: Options, measured: Measured): void {
  const machine = `${availableParallelism()} × ${cpus()[0]?.model ?? 'processor'}, Node ${process.versions.node}`
  console.log(`\n${machine}, ${options.run} run\n\n${figureTable(measured, options.run !== 'tiny')}`)
  if (!options.json) return
  const rounded = Object.entries(measured).map(([name, value]) => [name, Math.round(value * 1_000) / 1_000])
  console.log(JSON.stringify({ run: options.run, machine, ...Object.fromEntries(rounded) }))
}

function exitWithUsage(error: unknown): never {
  console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
  process.exit(2)
}

function readOptions(): Options {
  try {
    return parseOptions(process.argv.slice(2))
  } catch (error) {
    return exitWithUsage(error)
  }
}

const options = readOptions()
await using stack = new AsyncDisposableStack()
let interrupted = false
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (interrupted) return
    interrupted = true
    void stack.disposeAsync().finally(() => process.exit(130))
  })
}
try {
  await run(options, stack)
} catch (error) {
  // An interrupted run fails because its processes are being stopped.
  if (interrupted) await new Promise(() => {})
  console.error(error)
  process.exitCode = 1
}

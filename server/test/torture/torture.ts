import { seededRandom } from '../../src/cli/demo/random.ts'
import { openPools } from '../../src/db/pools.ts'
import { call, textOf } from '../support/api.ts'
import { until } from '../support/until.ts'
import { sqlValue } from '../support/sql.ts'
import type { Verdict } from './check-history.ts'
import { checkHistory, isClean } from './check-history.ts'
import { checkStats } from './check-stats.ts'
import type { Owner } from './cleanup.ts'
import { Database } from './database.ts'
import { startDatabaseProxy } from './database-proxy.ts'
import type { Scene } from './faults.ts'
import { sampleHeads } from './head-samples.ts'
import type { NemesisReport } from './nemesis.ts'
import { runNemesis } from './nemesis.ts'
import { Node } from './node.ts'
import type { Options } from './options.ts'
import type { TakeOvers } from './orphan-watch.ts'
import { OrphanWatch } from './orphan-watch.ts'
import { readDatabase, readViews } from './read-evidence.ts'
import { startReceivers } from './receivers.ts'
import type { Tenant } from './workload.ts'
import { Workload } from './workload.ts'

export interface Outcome {
  readonly options: Options
  readonly verdict: Verdict
  readonly nemesis: NemesisReport
  /** Why the run does not hold, one sentence each; empty: it holds. */
  readonly complaints: readonly string[]
  readonly takeOvers: TakeOvers
  readonly databaseBackMsMax: number
  /** From the end of the last fault to an empty backlog. */
  readonly drainedMs: number
}

const OPERATOR_KEY = 'torture-operator-0123456789abcdef0123456789'
const SCHEDULE_SECONDS = [1, 1, 2, 2, 4]
/** The backlog has this long, and what its own schedule still asks for. */
const DRAIN_LIMIT_MS = 60_000 + 1_100 * SCHEDULE_SECONDS.reduce((sum, seconds) => sum + seconds)
const ROLES = ['api,router,dispatcher,maintenance', 'api,router,dispatcher']

/** One run: load and faults together, then rest, then the two verdicts: safety while it went on, liveness afterwards. */
export async function torture(owner: Owner, options: Options, say: (line: string) => void): Promise<Outcome> {
  const random = seededRandom(options.seed)
  const database = await Database.start(owner, options.disk === undefined ? {} : SMALL, options.disk)
  const receivers = await startReceivers(owner, seededRandom(options.seed + 1))
  const nodes = await startNodes(owner, database)
  const tenants = await makeTenants(nodes[0]?.url ?? '', 3)
  const samples = sampleHeads(owner, () => database.url)
  const urls = nodes.map(({ url }) => url)
  const { eventsPerSecond } = options
  const workload = new Workload({ tenants, urls, receivers, random: seededRandom(options.seed + 2), eventsPerSecond })
  const orphans = new OrphanWatch(() => database.url)
  orphans.start(owner)
  const scene: Scene = { nodes, database, workload, receivers, random, orphans, databaseBackMs: [], strikes: [] }
  workload.start()
  await until('events flow', () => receivers.arrivals.length > 20)
  const nemesis = await runNemesis(scene, options.faults, options.minutes * 60_000, say)
  const quietAt = Date.now()
  await workload.stop()
  receivers.behaveWell()
  await workload.enableAll()
  const pools = openPools({ url: database.url, onError: () => {}, queryTimeoutMs: 120_000 })
  owner.after(async () => await pools.close())
  const complaints: string[] = []
  const isDrained = async (): Promise<boolean> => (await sqlValue<number>(pools.owner, UNFINISHED)) === 0
  await until('the backlog is empty', isDrained, DRAIN_LIMIT_MS).catch((error: Error) => complaints.push(error.message))
  const drainedMs = Date.now() - quietAt
  const takeOvers = await orphans.finish(scene.strikes)
  const views = []
  for (const { key } of tenants) views.push(...(await readViews(urls[0] ?? '', key)))
  const verdict = checkHistory({
    publishes: workload.publishes,
    endpoints: workload.endpoints,
    arrivals: receivers.arrivals,
    samples,
    database: await readDatabase(pools.owner),
    views,
  })
  complaints.push(...workload.refusals, ...nodes.flatMap(({ crashes }) => crashes), ...verdict.faults)
  complaints.push(...(await checkStats(pools.owner)))
  complaints.push(...takeOvers.late.map((one) => `taken over late: ${one}`))
  complaints.push(
    ...verdict.lost.map((one) => `lost: ${one}`),
    ...verdict.unexpected.map((one) => `unexpected: ${one}`),
  )
  if (!isClean(verdict) && complaints.length === 0) complaints.push('more copies than unknown outcomes')
  complaints.push(...missedFaults(nemesis), ...emptyProofs(verdict))
  return {
    options,
    verdict,
    nemesis,
    complaints,
    takeOvers,
    databaseBackMsMax: Math.max(0, ...scene.databaseBackMs),
    drainedMs,
  }
}

/** So that a small file system holds it. */
const SMALL = { max_wal_size: '64MB', min_wal_size: '32MB' }

/** Of subscriptions that wait for a person nothing is expected. */
const UNFINISHED = `
  select (select count(*) from event_outbox) + (select count(*) from fan_outs) +
         (select count(*) from webhook_deliveries d
            join event_subscriptions s on s.company_id = d.company_id and s.id = d.subscription_id
           where s.status in ('active', 'deleted'))`

async function startNodes(owner: Owner, database: Database): Promise<Node[]> {
  const nodes: Node[] = []
  for (const [index, roles] of ROLES.entries()) {
    const proxy = await startDatabaseProxy(owner, () => database.url)
    const node = await Node.create(owner, `node ${index + 1}`, proxy, {
      DAYBOOK_ROLES: roles,
      DAYBOOK_OPERATOR_KEY: OPERATOR_KEY,
      DAYBOOK_RETRY_SCHEDULE: SCHEDULE_SECONDS.join(','),
      DAYBOOK_STOP_GRACE: '5',
      DAYBOOK_LOG_LEVEL: 'warn',
    })
    await node.start()
    nodes.push(node)
  }
  return nodes
}

async function makeTenants(url: string, count: number): Promise<Tenant[]> {
  const tenants: Tenant[] = []
  for (let number = 1; number <= count; number++) {
    const input = { name: `Tenant ${number}`, settings: { allow_undeclared_events: true, disable_after_failures: 10 } }
    const made = await call(url, 'POST', '/companies', input, OPERATOR_KEY)
    tenants.push({ number, id: textOf(made, 'id'), key: textOf(made, 'api_key') })
  }
  return tenants
}

/** A run in which a fault never landed where it should proves nothing about it. */
function missedFaults({ made, landed }: NemesisReport): string[] {
  return Object.keys(made).flatMap((name) => (landed[name] ? [] : [`${name} was made and never landed`]))
}

function emptyProofs({ owed, perhapsOwed, acknowledged }: Verdict): string[] {
  const complaints: string[] = []
  if (acknowledged === 0 || owed === 0) complaints.push('nothing was published, or nothing of it was owed')
  if (perhapsOwed > owed) complaints.push('too little is certain: more pairs are perhaps owed than owed')
  return complaints
}

import { randomUUID } from 'node:crypto'
import { Leadership } from '../db/leadership.ts'
import { ensurePartitions } from '../db/partitions.ts'
import type { OpenPools } from '../db/pools.ts'
import { inTransaction, isServerTrouble } from '../db/transaction.ts'
import { systemActor } from '../events/administrative-event.ts'
import type { LoggedEvent } from '../events/event.ts'
import { RecentEvents } from '../events/recent-events.ts'
import { Router } from '../events/router.ts'
import type { Clock } from '../lib/clock.ts'
import { failpoint } from '../lib/failpoint.ts'
import { Loop } from '../lib/loop.ts'
import type { Tracer } from '../lib/tracer.ts'
import type { MasterKeys } from '../vault/master-keys.ts'
import { createVault } from '../vault/vault.ts'
import { createCallContext } from '../webhooks/call-context.ts'
import type { DisableDue } from '../webhooks/count-failures.ts'
import { Deliverables } from '../webhooks/deliverables.ts'
import { Dispatcher } from '../webhooks/dispatcher.ts'
import { createFanOut } from '../webhooks/fan-out.ts'
import { forgetSecrets } from '../webhooks/forget-secrets.ts'
import type { HttpPosterOptions } from '../webhooks/http-post.ts'
import { allJobKinds } from '../webhooks/jobs/all-job-kinds.ts'
import { JobWorker } from '../webhooks/jobs/job-worker.ts'
import { ChainMender } from '../webhooks/mend-chains.ts'
import type { AttemptRecord } from '../webhooks/record-results.ts'
import { RetentionKeeper } from '../webhooks/retention/retention-keeper.ts'
import type { RetrySchedule } from '../webhooks/retry.ts'
import { SubscriptionSets } from '../webhooks/subscription-set.ts'
import { tellDailyMetrics } from '../webhooks/stats/daily-metrics.ts'
import { forgetOldStats } from '../webhooks/stats/forget-old-stats.ts'
import { StatsKeeper } from '../webhooks/stats/keep-stats.ts'
import { findDisableDue } from '../webhooks/subscription-store.ts'
import { disableFailing } from '../webhooks/subscriptions.ts'
import type { MetricsMessage } from './engine-stats.ts'
import { createEngineStats } from './engine-stats.ts'
import { forgetExpiredKeys } from './forget-expired-keys.ts'

export interface EngineOptions {
  readonly pools: OpenPools
  readonly masterKeys: MasterKeys
  readonly clock: Clock
  readonly roles: ReadonlySet<string>
  readonly egress: Pick<HttpPosterOptions, 'allow' | 'dnsServers' | 'proxy' | 'ca'>
  readonly schedule: RetrySchedule
  readonly callsMax: number
  readonly version: string
  readonly tracer?: Tracer | undefined
  /** Told that events have positions now. */
  readonly onRouted?: (() => void) | undefined
  readonly log: {
    error(facts: { err: unknown; loop?: string }, message: string): void
    warn(facts: object, message: string): void
    info(facts: object, message: string): void
    /** Told of each attempt, where somebody wants to know. */
    debug?(facts: object, message: string): void
  }
}

/** Everything that happens to an event after its commit, joined: route, fan out, dispatch, and what keeps them in order. */
export interface Engine {
  /** Events were committed by this process; they need not be read back. */
  recorded(events: readonly LoggedEvent[]): void
  /** There is something in the outbox; the router need not wait for its next look. */
  wakeRouter(): void
  /** Deliveries of this subscription may be due. */
  wakeDispatcher(companyId: string, subscriptionId: string): void
  /** What it counted so far, and how busy it is. */
  readStats(): Promise<MetricsMessage>
  start(): void
  /** Finishes what is under way, `graceMs` at most, and hands the leases back. */
  stop(graceMs: number): Promise<void>
}

const MAINTENANCE_EVERY_MS = 60_000
const DISABLE_SWEEP_EVERY_MS = 5_000

export function createEngine(options: EngineOptions): Engine {
  const { pools, clock, roles, log } = options
  const holder = randomUUID()
  const recent = new RecentEvents()
  const sets = new SubscriptionSets()
  const deliverables = new Deliverables(createVault(options.masterKeys, pools.engine))
  const stats = createEngineStats({
    loads: pools.loads,
    dispatcher: () => dispatcher?.stats(),
    leads: () => (routing ? leadership.leads : undefined),
  })
  const loops: Loop[] = []
  const loop = (name: string, round: () => Promise<number>): Loop => {
    const onError = (err: unknown): void => log.error({ err, loop: name }, 'a round failed')
    const made = new Loop({ clock, round, errorPauseMs: 500, onError })
    loops.push(made)
    return made
  }

  let due: DisableDue[] = []
  const disabling = loop('disable', async () => {
    const marked = due
    due = []
    for (const { company_id, subscription_id } of [...marked, ...(await findDisableDue(pools.engine))]) {
      const author = { actor: systemActor, nowMs: clock.now() }
      try {
        await inTransaction(pools.engine, async (db) => {
          await disableFailing(db, author, company_id, subscription_id)
          await failpoint('disable.before_commit')
        })
      } catch (err) {
        if (isServerTrouble(err)) throw err
        log.error({ err, loop: 'disable' }, 'a subscription that failed too often could not be disabled')
      }
      routing?.wake()
    }
    return DISABLE_SWEEP_EVERY_MS
  })

  const { version, callsMax } = options
  const calls = createCallContext({ ...options.egress, clock, version, maxSocketsPerOrigin: 2 * callsMax })
  const dispatcher = roles.has('dispatcher')
    ? new Dispatcher({
        pool: pools.engine,
        ...calls,
        recent,
        sets,
        deliverables,
        schedule: options.schedule,
        random: Math.random,
        slotsMax: callsMax,
        onDisableDue: (marked) => {
          due.push(...marked)
          disabling.wake()
        },
        onFenced: (count) => {
          stats.fenced(count)
          log.warn({ count }, 'results came after their lease had ended')
        },
        onTakenOver: (count) => stats.takenOver(count),
        onAttempt: (record) => {
          stats.attempted(record)
          log.debug?.(factsOf(record), 'attempt')
        },
        tracer: options.tracer,
        onError: (err) => log.error({ err, loop: 'dispatch' }, 'results could not be written'),
      })
    : undefined
  const dispatching = dispatcher && loop('dispatch', async () => await dispatcher.round())
  if (dispatching) dispatcher.onWake(() => dispatching.wake())

  const leadership = new Leadership({ db: pools.engine, clock, name: 'router', holder })
  const router = new Router({
    pool: pools.engine,
    leadership,
    recent,
    fanOut: createFanOut({ clock, recent, sets, deliverables, ...(dispatcher && { handOver: dispatcher }) }),
    ...(options.onRouted && { onRouted: options.onRouted }),
    onSetAside: (rows) => {
      for (const row of rows) log.error({ err: undefined, ...row }, 'an event cannot be routed and was set aside')
    },
    onLeftOut: (companyIds) => {
      log.warn(
        { company_ids: [...companyIds] },
        'routing waits for these companies: another process holds an ordered subscription of theirs',
      )
    },
  })
  const routing = roles.has('router') ? loop('route', async () => await router.round()) : undefined

  const jobLeadership = new Leadership({ db: pools.engine, clock, name: 'jobs', holder })
  const statsLeadership = new Leadership({ db: pools.engine, clock, name: 'stats', holder })
  const retentionLeadership = new Leadership({ db: pools.engine, clock, name: 'retention', holder })
  if (roles.has('maintenance')) {
    const jobs = new JobWorker({
      pool: pools.engine,
      leadership: jobLeadership,
      clock,
      kinds: allJobKinds,
      wake: (companyId, subscriptionId) => dispatcher?.wakeFor(companyId, subscriptionId),
      onRecorded: () => routing?.wake(),
      onError: (err, job) => log.error({ err, loop: 'jobs', ...job }, 'a slice of a job failed'),
    })
    loop('jobs', async () => await jobs.round())
    const mender = new ChainMender({ pool: pools.engine, leadership: jobLeadership })
    const keeper = new StatsKeeper({ pool: pools.engine, leadership: statsLeadership, clock })
    loop('stats', async () => await keeper.round())
    const retention = new RetentionKeeper({
      owner: pools.owner,
      leadership: retentionLeadership,
      clock,
      onEnded: (ended) => log.debug?.(ended, 'retention has ended rows'),
      onDropped: (table) => log.info({ table }, 'a month that has ended was dropped'),
      onError: (err, facts) => log.error({ err, loop: 'retention', ...facts }, 'retention goes on without this'),
      onBusy: (partition) => log.warn({ partition }, 'a month that has ended could not be detached; it is tried again'),
    })
    loop('retention', async () => await retention.round())
    loop('maintain', async () => {
      await ensurePartitions(pools.owner, clock.now())
      await forgetExpiredKeys(pools.engine)
      await forgetSecrets(pools.engine)
      for (const { companyId, subscriptionId } of await mender.round()) {
        log.warn(
          { company_id: companyId, subscription_id: subscriptionId },
          'ordered deliveries had stopped; they go on',
        )
        dispatcher?.wakeFor(companyId, subscriptionId)
      }
      await forgetOldStats(pools.engine, clock.now())
      await tellDailyMetrics({
        pool: pools.engine,
        leadership: statsLeadership,
        clock,
        onRecorded: () => routing?.wake(),
      })
      return MAINTENANCE_EVERY_MS
    })
  }

  const handBack = async (led: Leadership): Promise<void> => {
    await led.release().catch((err: unknown) => log.error({ err }, 'the lease was not handed back'))
  }

  return {
    recorded: (events) => {
      for (const event of events) recent.add(event)
      routing?.wake()
    },
    wakeRouter: () => routing?.wake(),
    wakeDispatcher: (companyId, subscriptionId) => dispatcher?.wakeFor(companyId, subscriptionId),
    readStats: async () => await stats.read(),
    start: () => {
      for (const one of loops) one.start()
    },
    stop: async (graceMs) => {
      if (routing) {
        await routing.stop()
        await handBack(leadership)
      }
      await dispatching?.stop() // a claim under way has started its calls then
      await dispatcher?.stop(graceMs)
      await Promise.all(loops.map(async (one) => await one.stop()))
      if (roles.has('maintenance')) {
        await Promise.all([jobLeadership, statsLeadership, retentionLeadership].map(handBack))
      }
      stats.stop()
    },
  }
}

/** Neither URL nor anything of the event but its id: a path may hold a secret. */
function factsOf(record: AttemptRecord): object {
  return {
    company_id: record.companyId,
    subscription_id: record.subscriptionId,
    delivery_id: record.deliveryId,
    event_id: record.eventId,
    attempt: record.attemptNo,
    outcome: record.outcome,
    reason: record.reason,
    ms: Math.round(record.timings.totalMs ?? 0),
  }
}

import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Logger } from 'pino'
import { startEmbeddedPostgres } from '../db/embedded/start-embedded-postgres.ts'
import { namesOfMigrations } from '../db/inspect-server.ts'
import { migrate } from '../db/migrate.ts'
import { ensurePartitions } from '../db/partitions.ts'
import type { OpenPools } from '../db/pools.ts'
import { openPools } from '../db/pools.ts'
import { CompanyDefinitions } from '../events/company-definitions.ts'
import { CompiledSchemas } from '../events/compiled-schemas.ts'
import { loadStandardDefinitions } from '../events/definitions.ts'
import { Publisher } from '../events/publisher.ts'
import { createSchemaJudge } from '../events/schema-judge.ts'
import { buildApp } from '../http/app.ts'
import { ensureFirstCompany } from '../identity/first-company.ts'
import { KeyRing } from '../identity/key-ring.ts'
import { systemClock } from '../lib/clock.ts'
import { armFailpoints } from '../lib/failpoint.ts'
import type { TracingSettings } from '../lib/tracer.ts'
import { startTracer } from '../lib/tracer.ts'
import type { MasterKeys } from '../vault/master-keys.ts'
import type { Vault } from '../vault/vault.ts'
import { createVault } from '../vault/vault.ts'
import { createCallContext } from '../webhooks/call-context.ts'
import { callsWithin, openFilesMax } from '../webhooks/calls-within.ts'
import type { HttpPosterOptions } from '../webhooks/http-post.ts'
import { sealPlainSecrets } from '../webhooks/seal-plain-secrets.ts'
import type { EngineSettings } from '../worker/engine-messages.ts'
import type { ProcessMetrics } from '../worker/process-metrics.ts'
import { createProcessMetrics } from '../worker/process-metrics.ts'
import { Readiness } from '../worker/readiness.ts'
import { startEngine } from '../worker/start-engine.ts'
import type { RunningEngine } from '../worker/start-engine.ts'
import type { Config } from './config.ts'
import { findMasterKeys, settleMasterKeys } from './master-keys.ts'
import { version } from './version.ts'

export interface RunningServer {
  /** Undefined when this process has no `api` role. */
  readonly url: string | undefined
  /** The first company's key, when this start made it. */
  readonly firstApiKey: string | undefined
  /**
   * Takes no more requests, finishes those under way and the calls under way within the grace time, writes their results,
   * hands the leases back, stops the embedded database. Safe to call twice.
   */
  stop(): Promise<void>
}

const definitionsDirectory = fileURLToPath(new URL('../../definitions/', import.meta.url))
const portalDirectory = fileURLToPath(new URL('../../../portal/', import.meta.url))

/** Brings up everything that the configuration asks for, in order; what was started is stopped when a later part fails. */
export async function startServer(config: Config, logger: Logger): Promise<RunningServer> {
  const undo: (() => Promise<void>)[] = []
  let stopping: Promise<void> | undefined
  const isStopping = (): boolean => stopping !== undefined
  const stop = (): Promise<void> => (stopping ??= stopAll(undo, logger))
  try {
    armFailpoints(config.failpoints)
    const foundKeys = await findMasterKeys(config)
    const url = config.databaseUrl ?? (await startDatabase(config, logger, undo))
    await migrate(url, (message) => logger.info(message))
    const pools = openPools({ url, onError: (err) => logger.warn({ err }, 'a database connection broke') })
    undo.push(async () => await pools.close())
    await ensurePartitions(pools.owner, systemClock.now())
    const masterKeys = await settleMasterKeys(pools.engine, config, foundKeys, (message) => logger.warn(message))
    const vault = createVault(masterKeys, pools.engine)
    const sealed = await sealPlainSecrets(pools.engine, vault, (companyId) =>
      logger.error(
        { companyId },
        'the key of a company cannot be opened; its signing secrets in clear are left as they are',
      ),
    )
    if (sealed > 0) logger.info({ sealed }, 'signing secrets that were stored in clear are sealed now')
    const firstApiKey = await ensureFirstCompany(pools.engine, systemClock.now(), config.bootstrapApiKey)
    const listening = await startParts({ config, databaseUrl: url, pools, masterKeys, vault, logger, undo, isStopping })
    return { url: listening, firstApiKey, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function startDatabase(config: Config, logger: Logger, undo: (() => Promise<void>)[]): Promise<string> {
  const log = (message: string): void => logger.info(message)
  const postgres = await startEmbeddedPostgres({ dataDir: config.dataDir, log })
  undo.push(async () => await postgres.stop())
  return postgres.url
}

/** Of those who call us. */
const CONNECTIONS_MAX = 10_000

interface OpenDatabase {
  readonly config: Config
  readonly databaseUrl: string
  readonly pools: OpenPools
  readonly masterKeys: MasterKeys
  readonly vault: Vault
  readonly logger: Logger
  readonly undo: (() => Promise<void>)[]
  readonly isStopping: () => boolean
}

/** Engine and HTTP interface over an open database. Answers with the address, if there is one. */
async function startParts(open: OpenDatabase): Promise<string | undefined> {
  const { config, pools, vault, logger, undo } = open
  const clock = systemClock
  const openFiles = openFilesMax()
  const callsMax = callsWithin(openFiles, config.callsMax)
  if (callsMax < config.callsMax) {
    logger.warn({ openFiles, wanted: config.callsMax, callsMax }, 'the limit of open files bounds the calls under way')
  }
  const engine = runsEngine(config) ? startEngine(engineSettings(open, callsMax), logger) : undefined
  undo.push(async () => await engine?.stop(config.stopGraceMs))
  if (!config.roles.has('api')) return undefined

  const { readiness, metrics } = await startWatching(open, engine)
  const tracer = await startTracer(tracing(config))
  undo.push(async () => await tracer?.stop())
  const publisher = new Publisher({
    db: pools.engine,
    onCommitted: (events) => {
      engine?.recorded(events)
      metrics.accepted(events.length)
    },
  })
  undo.push(async () => await publisher.idle())

  const calls = createCallContext({ ...egress(config), clock, version, maxSocketsPerOrigin: TEST_SOCKETS_MAX })
  undo.push(async () => await calls.poster.close())
  const judge = createSchemaJudge()
  undo.push(async () => await judge.close())

  const definitions = new CompanyDefinitions({
    db: pools.engine,
    clock,
    standard: await loadStandardDefinitions(definitionsDirectory),
    compiled: new CompiledSchemas(),
  })
  definitions.start()
  undo.push(async () => await definitions.stop())

  const app = await buildApp({
    pools,
    vault,
    clock,
    keyRing: new KeyRing({ db: pools.engine, clock }),
    operatorKey: config.operatorKey,
    requestsPerSecondMax: config.rateLimit,
    publisher,
    definitions,
    judge,
    calls,
    allow: config.egressAllow,
    logger,
    onRecorded: () => engine?.wakeRouter(),
    onceRouted: engine && ((wake) => engine.onceRouted(wake)),
    onDeliveriesDue: (companyId, subscriptionId) => engine?.wakeDispatcher(companyId, subscriptionId),
    readiness: () => readiness.report(),
    streamLimits: { listenersMax: config.streamsMax },
    watchStreams: metrics.watchStreams,
    metricsText: metrics.text,
    metricsKey: config.metricsKey,
    tracer,
    portalDirectory,
    version,
  })
  app.server.maxConnections = callsWithin(openFiles, CONNECTIONS_MAX)
  undo.push(async () => await app.close())
  await app.listen({ host: config.host, port: config.port })
  await readiness.start() // the thread came up meanwhile
  const { port } = app.server.address() as AddressInfo
  return `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`
}

/** What tells of this process. It has connections of its own, so that it tells the truth of one whose own are all in use. */
async function startWatching(
  { databaseUrl, logger, pools, undo, isStopping }: OpenDatabase,
  engine: RunningEngine | undefined,
): Promise<{ readiness: Readiness; metrics: ProcessMetrics }> {
  const own = openPools({ url: databaseUrl, ...watchLimits, onError: () => {} }) // the next look says it
  undo.push(async () => await own.close())
  const readiness = new Readiness({
    db: own.engine,
    clock: systemClock,
    migrations: await namesOfMigrations(),
    pingEngine: engine?.readStats,
    isStopping,
    log: logger,
  })
  undo.push(async () => await readiness.stop())
  const metrics = createProcessMetrics({
    clock: systemClock,
    db: own.engine,
    owner: own.owner,
    loads: pools.loads,
    readEngine: engine && (async () => await Promise.race([engine.readStats(), late()])),
    readiness: () => readiness.report(),
    clockDifferenceMs: () => readiness.clockDifferenceMs,
  })
  undo.push(async () => metrics.stop())
  return { readiness, metrics }
}

/** One for readiness and one for the metrics, so that a slow page does not make a process look unready. */
const watchLimits = { engineConnectionsMax: 2, queryTimeoutMs: 2_000, connectTimeoutMs: 2_000 }

/** An engine that does not answer keeps the rest of the page from nobody. */
async function late(): Promise<undefined> {
  await systemClock.sleep(1_000)
}

function tracing({ otlpEndpoint }: Config): TracingSettings | undefined {
  return otlpEndpoint === undefined ? undefined : { endpoint: otlpEndpoint, version }
}

/** Test calls are made by this thread; deliveries by the engine's. */
const TEST_SOCKETS_MAX = 16

function egress({ egressAllow: allow, dnsServers, egressProxy: proxy, egressCa: ca }: Config): HttpPosterOptions {
  return { allow, dnsServers, proxy, ca }
}

function runsEngine({ roles }: Config): boolean {
  return roles.has('router') || roles.has('dispatcher') || roles.has('maintenance')
}

function engineSettings({ config, databaseUrl, masterKeys }: OpenDatabase, callsMax: number): EngineSettings {
  return {
    databaseUrl,
    masterKeys,
    roles: config.roles,
    egress: {
      allow: config.egressAllow.text,
      dnsServers: config.dnsServers,
      proxy: config.egressProxy,
      ca: config.egressCa,
    },
    retrySchedule: config.retrySchedule,
    callsMax,
    version,
    failpoints: config.failpoints,
    logsAttempts: config.logLevel === 'debug' || config.logLevel === 'trace',
    tracing: tracing(config),
  }
}

/** Stops in the reverse order of starting; a part that fails to stop does not keep the others from it. */
async function stopAll(undo: readonly (() => Promise<void>)[], logger: Logger): Promise<void> {
  for (const one of undo.toReversed()) {
    await one().catch((err: unknown) => logger.error({ err }, 'a part did not stop cleanly'))
  }
}

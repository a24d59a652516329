import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Logger } from 'pino'
import { startEmbeddedPostgres } from '../db/embedded/start-embedded-postgres.ts'
import { migrate } from '../db/migrate.ts'
import { ensurePartitions } from '../db/partitions.ts'
import type { Pools } from '../db/pools.ts'
import { openPools } from '../db/pools.ts'
import { loadStandardDefinitions } from '../events/definitions.ts'
import { Publisher } from '../events/publisher.ts'
import { buildApp } from '../http/app.ts'
import { ensureFirstCompany } from '../identity/first-company.ts'
import { KeyRing } from '../identity/key-ring.ts'
import { systemClock } from '../lib/clock.ts'
import { armFailpoints } from '../lib/failpoint.ts'
import type { MasterKeys } from '../vault/master-keys.ts'
import type { Vault } from '../vault/vault.ts'
import { createVault } from '../vault/vault.ts'
import { sealPlainSecrets } from '../webhooks/seal-plain-secrets.ts'
import type { EngineSettings } from '../worker/engine-messages.ts'
import { startEngine } from '../worker/start-engine.ts'
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
    const sealed = await sealPlainSecrets(pools.engine, vault)
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

interface OpenDatabase {
  readonly config: Config
  readonly databaseUrl: string
  readonly pools: Pools
  readonly masterKeys: MasterKeys
  readonly vault: Vault
  readonly logger: Logger
  readonly undo: (() => Promise<void>)[]
  readonly isStopping: () => boolean
}

/** Engine and HTTP interface over an open database. Answers with the address, if there is one. */
async function startParts(open: OpenDatabase): Promise<string | undefined> {
  const { config, pools, vault, logger, undo, isStopping } = open
  const clock = systemClock
  const engine = runsEngine(config) ? startEngine(engineSettings(open), logger) : undefined
  undo.push(async () => await engine?.stop(config.stopGraceMs))
  if (!config.roles.has('api')) return undefined

  const publisher = new Publisher({ db: pools.engine, onCommitted: (events) => engine?.recorded(events) })
  undo.push(async () => await publisher.idle())

  const app = await buildApp({
    pools,
    vault,
    clock,
    keyRing: new KeyRing({ db: pools.engine, clock }),
    operatorKey: config.operatorKey,
    requestsPerSecondMax: config.rateLimit,
    publisher,
    definitions: await loadStandardDefinitions(definitionsDirectory),
    allow: config.egressAllow,
    logger,
    onRecorded: () => engine?.wakeRouter(),
    onDeliveriesDue: (companyId, subscriptionId) => engine?.wakeDispatcher(companyId, subscriptionId),
    isReady: () => !isStopping(),
    portalDirectory,
    version,
  })
  undo.push(async () => await app.close())
  await app.listen({ host: config.host, port: config.port })
  const { port } = app.server.address() as AddressInfo
  return `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`
}

function runsEngine({ roles }: Config): boolean {
  return roles.has('router') || roles.has('dispatcher') || roles.has('maintenance')
}

function engineSettings({ config, databaseUrl, masterKeys }: OpenDatabase): EngineSettings {
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
    callsMax: config.callsMax,
    version,
    failpoints: config.failpoints,
  }
}

/** Stops in the reverse order of starting; a part that fails to stop does not keep the others from it. */
async function stopAll(undo: readonly (() => Promise<void>)[], logger: Logger): Promise<void> {
  for (const one of undo.toReversed()) {
    await one().catch((err: unknown) => logger.error({ err }, 'a part did not stop cleanly'))
  }
}

import type { OpenPools, PoolOptions } from '../db/pools.ts'
import type { Config } from './config.ts'

/**
 * The database of DATABASE_URL, the embedded one of a running server, or the embedded one, started for this. Makes none: throws
 * where there is none yet.
 */
export async function withDatabase<Result>(
  { databaseUrl, dataDir }: Pick<Config, 'databaseUrl' | 'dataDir'>,
  log: (line: string) => void,
  work: (pools: OpenPools) => Promise<Result>,
  limits: Pick<PoolOptions, 'queryTimeoutMs' | 'connectTimeoutMs'> = {},
): Promise<Result> {
  const { openPools } = await import('../db/pools.ts')
  const { findRunningPostgres } = await import('../db/embedded/find-running.ts')
  const over = async (url: string): Promise<Result> => {
    const pools = openPools({ url, engineConnectionsMax: 2, ...limits, onError: () => {} })
    try {
      return await work(pools)
    } finally {
      await pools.close()
    }
  }
  const running = databaseUrl ?? (await findRunningPostgres(dataDir))
  if (running !== undefined) return await over(running)
  const { findRecordedCluster } = await import('../db/embedded/place-cluster.ts')
  if ((await findRecordedCluster(dataDir)) === undefined) {
    throw new Error(`There is no database in ${dataDir} yet; \`daybook start\` makes it`)
  }
  const { startEmbeddedPostgres } = await import('../db/embedded/start-embedded-postgres.ts')
  const postgres = await startEmbeddedPostgres({ dataDir, log })
  try {
    return await over(postgres.url)
  } finally {
    await postgres.stop()
  }
}

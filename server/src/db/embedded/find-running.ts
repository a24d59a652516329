import { readFile, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { findRecordedCluster } from './place-cluster.ts'
import { isPostmaster, readPostmasterFile } from './postmaster-file.ts'
import { databaseName } from './superuser-session.ts'

/** The URL (password included: never log it) of the embedded database while a Daybook runs it; undefined when none does. */
export async function findRunningPostgres(dataDir: string): Promise<string | undefined> {
  const recorded = await findRecordedCluster(dataDir)
  if (recorded === undefined) return undefined
  const cluster = await realpath(recorded)
  const file = await readPostmasterFile(cluster)
  if (!file || file.status !== 'ready' || !(await isPostmaster(file.pid, cluster))) return undefined
  const password = (await readFile(join(dataDir, 'postgres.password'), 'utf8')).trim()
  return `postgres://daybook:${password}@127.0.0.1:${file.port}/${databaseName}`
}

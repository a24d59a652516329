import { findRecordedCluster } from '../../db/embedded/place-cluster.ts'
import { poll } from '../../db/embedded/poll.ts'
import { isPostmaster, readPostmasterFile } from '../../db/embedded/postmaster-file.ts'

/** Ends the embedded database of a Daybook that was killed and could not do so itself; does nothing when there is none. */
export async function stopLeftDatabase(dataDir: string): Promise<void> {
  const cluster = await findRecordedCluster(dataDir)
  const file = cluster === undefined ? undefined : await readPostmasterFile(cluster)
  if (cluster === undefined || !file || !(await isPostmaster(file.pid, cluster))) return
  // PostgreSQL's fast shutdown.
  process.kill(file.pid, 'SIGINT')
  await poll(10_000, 20, async () => ((await isPostmaster(file.pid, cluster)) ? undefined : true))
}

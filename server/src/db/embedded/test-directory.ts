import { chmod, chown, cp, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { findPostgresPackage } from './find-package.ts'
import { findRecordedCluster } from './place-cluster.ts'
import { poll } from './poll.ts'
import { isPostmaster, readPostmasterFile } from './postmaster-file.ts'
import { canEnter } from './server-user.ts'
import type { ServerUser } from './server-user.ts'

/** What ends one day and cleans up then: a test, usually. */
export interface Scope {
  after(cleanUp: () => Promise<void>): void
}

/** For tests: a directory that goes when `t` ends, with mode 0755 unless told otherwise. */
export async function makeTestDirectory(t: Scope, mode = 0o755): Promise<string> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'daybook-embedded-')))
  t.after(() => rm(directory, { recursive: true, force: true, maxRetries: 3 }))
  await chmod(directory, mode)
  return directory
}

/**
 * For tests: a data directory, not yet made, in a parent of the given mode and owner. When the test ends its server is ended, and
 * the cluster goes wherever it is.
 */
export async function makeTestDataDir(t: Scope, parentMode = 0o755, parentOwner?: ServerUser): Promise<string> {
  const parent = await realpath(await mkdtemp(join(tmpdir(), 'daybook-embedded-')))
  const dataDir = join(parent, 'data')
  t.after(async () => {
    const cluster = (await findRecordedCluster(dataDir)) ?? join(dataDir, 'postgres')
    await killPostmaster(cluster)
    await rm(parent, { recursive: true, force: true, maxRetries: 3 })
    if (!cluster.startsWith(parent)) await rm(dirname(cluster), { recursive: true, force: true, maxRetries: 3 })
  })
  await chmod(parent, parentMode)
  if (parentOwner) await chown(parent, parentOwner.uid, parentOwner.gid)
  return dataDir
}

/** For tests: ends the server of a cluster as a power failure would, and resolves when it is gone. */
export async function killPostmaster(cluster: string): Promise<void> {
  const file = await readPostmasterFile(cluster)
  if (!file || !(await isPostmaster(file.pid, cluster))) return
  process.kill(file.pid, 'SIGKILL')
  const gone = await poll(10_000, 10, async () => ((await isPostmaster(file.pid, cluster)) ? undefined : true))
  if (!gone) throw new Error(`Process ${file.pid} survived SIGKILL`)
}

/** For tests: the installed package, or a copy where `user` can read it. */
export async function findReadablePackage(t: Scope, user: ServerUser | undefined): Promise<string> {
  const { directory } = await findPostgresPackage()
  if (await canEnter(user, join(directory, 'native', 'bin'))) return directory
  const copy = join(await makeTestDirectory(t), 'package')
  await cp(directory, copy, { recursive: true, verbatimSymlinks: true })
  return copy
}

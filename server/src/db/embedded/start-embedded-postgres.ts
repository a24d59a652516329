import { readFile, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { lockDirectory } from './directory-lock.ts'
import type { DirectoryLock } from './directory-lock.ts'
import { findPostgresPackage, readPostgresPackage } from './find-package.ts'
import { initCluster } from './init-cluster.ts'
import { launchPostmaster } from './launch-postmaster.ts'
import { isCluster, openDataDirectory, placeCluster, recordCluster, systemPlaces } from './place-cluster.ts'
import { poll } from './poll.ts'
import { isAlive, isPostmaster, readPostmasterFile } from './postmaster-file.ts'
import type { PostmasterFile } from './postmaster-file.ts'
import { preparePrograms } from './prepare-programs.ts'
import type { Programs } from './prepare-programs.ts'
import { readLogTail } from './server-log.ts'
import { serverSettings } from './server-settings.ts'
import type { ServerSettings } from './server-settings.ts'
import { findServerUser } from './server-user.ts'
import type { ServerUser } from './server-user.ts'
import { stopPostmaster } from './stop-postmaster.ts'
import { loadSuperuserPassword } from './superuser-password.ts'
import { databaseName, isTransient, prepareDatabase } from './superuser-session.ts'

export interface EmbeddedPostgres {
  /** postgres:// URL of database `daybook`, password included: never log it. */
  readonly url: string
  /** True when a server left running by a killed process was found and is used on. */
  readonly reused: boolean
  /** Process id of the server as it was at the start. */
  readonly pid: number
  /** Fast shutdown; resolves when the server is gone. Safe to call twice. */
  stop(): Promise<void>
}

export interface EmbeddedPostgresOptions {
  readonly dataDir: string
  readonly log: (message: string) => void
  /** Server settings beside or instead of ours, for instance `{ fsync: 'off' }` in tests. */
  readonly settings?: Readonly<Record<string, string>>
  /** The unpacked npm package with PostgreSQL's programs. Without it, the installed one for this platform. */
  readonly packageDirectory?: string
}

/** How long a server may take to start, recover from a crash, or finish a shutdown that someone else asked for. */
const readyLimitMs = 60_000

/**
 * Runs PostgreSQL for this process alone, with everything it keeps in `dataDir`:
 *
 *     daybook.lock, daybook.pid   held by the Daybook that uses the directory
 *     postgres.password           of the superuser `daybook`; written before the cluster is made
 *     postgres/                   the cluster
 *     postgres.location           where the cluster is; written after it was made. From then on no other is ever made
 *     postgres.log                what the server says about itself
 *     programs/                   a copy of PostgreSQL's programs, if the installed ones cannot be run in their place
 *
 * For root, who lends the server another account, cluster and log move to /var/lib/daybook when that account cannot enter
 * `dataDir`, and programs are copied there.
 *
 * It may be killed at any point and started again: a half-made cluster is thrown away, a server that lost its Daybook is
 * taken over if it was started with the same settings and restarted otherwise, a dead one's leftovers are stepped over. A
 * second Daybook on the same directory is refused. When it rejects it holds nothing and leaves nothing running, except a
 * server that recovers from a crash for more than a minute: that one goes on, and the next start waits for it again.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const source = await (options.packageDirectory === undefined
    ? findPostgresPackage()
    : readPostgresPackage(options.packageDirectory))
  const account = await findServerUser()
  const dataDir = await openDataDirectory(options.dataDir, account)
  const locks: DirectoryLock[] = [await lockDirectory(dataDir)]
  const release = async (): Promise<void> => {
    for (const lock of locks) await lock.release()
  }
  try {
    const password = await loadSuperuserPassword(dataDir)
    const place = await placeCluster(dataDir, account, password)
    const home = await realpath(dirname(place))
    // A copy of a data directory names the same place outside as the original.
    if (home !== dataDir) locks.push(await lockDirectory(home))

    const exists = await isCluster(place)
    const cluster = exists ? await realpath(place) : join(home, basename(place))
    const user = exists ? await ownerOf(cluster, account) : account
    const programs = await preparePrograms(source, user, account ? systemPlaces : [join(dataDir, 'programs')])
    const settings = serverSettings(source.version, options.settings)
    if (exists) {
      await checkVersion(cluster, programs)
    } else {
      options.log(`Making a new database in ${cluster}`)
      await initCluster({ programs, cluster, password, durable: settings.values['fsync'] !== 'off' })
    }
    await recordCluster(dataDir, place)

    const server = { programs, cluster, password, settings, logFile: join(home, 'postgres.log'), log: options.log }
    const { file, reused } = await takeOverOrLaunch(server)
    options.log(
      `The built-in database ${reused ? 'was found running' : 'is running'} (process ${file.pid}, port ${file.port})`,
    )
    const stop = async (): Promise<void> => {
      try {
        await stopPostmaster(programs, cluster, options.log)
      } finally {
        await release()
      }
    }
    let stopping: Promise<void> | undefined
    return {
      url: `postgres://daybook:${password}@127.0.0.1:${file.port}/${databaseName}`,
      reused,
      pid: file.pid,
      stop: () => (stopping ??= stop()),
    }
  } catch (error) {
    await release()
    throw error
  }
}

interface Server {
  readonly programs: Programs
  readonly cluster: string
  readonly password: string
  readonly settings: ServerSettings
  readonly logFile: string
  readonly log: (message: string) => void
}

async function takeOverOrLaunch(server: Server): Promise<{ readonly file: PostmasterFile; readonly reused: boolean }> {
  const { programs, cluster, logFile, settings, log } = server
  const found = await findRunning(server)
  if (found?.settingsDigest === settings.digest) return { file: found.file, reused: true }
  if (found) {
    log('The built-in database was found running with other settings; it is restarted')
    await stopPostmaster(programs, cluster, log)
  }
  const left = await readPostmasterFile(cluster)
  const deadPostmasterPid = left && isAlive(left.pid) ? left.pid : undefined
  const file = await launchPostmaster({
    programs,
    cluster,
    logFile,
    settings,
    deadPostmasterPid,
    limitMs: readyLimitMs,
  })
  try {
    await prepareDatabase(file.port, server.password)
  } catch (error) {
    await stopPostmaster(programs, cluster, log)
    throw await withLog(`The built-in PostgreSQL in ${cluster} started but refuses us`, error, logFile)
  }
  return { file, reused: false }
}

interface RunningServer {
  readonly file: PostmasterFile
  readonly settingsDigest: string | null
}

/** The server of this cluster, once it answers; one that is on its way down is waited for. Undefined when there is none. */
async function findRunning({ cluster, password, logFile }: Server): Promise<RunningServer | undefined> {
  const answer = await poll<RunningServer | 'none'>(readyLimitMs, 50, async () => {
    const file = await readPostmasterFile(cluster)
    if (!file || !(await isPostmaster(file.pid, cluster))) return 'none'
    if (file.status !== 'ready') return undefined
    try {
      return { file, ...(await prepareDatabase(file.port, password)) }
    } catch (error) {
      if (isTransient(error)) return undefined
      throw await withLog(`The PostgreSQL that runs in ${cluster} (process ${file.pid}) refuses us`, error, logFile)
    }
  })
  if (answer !== undefined) return answer === 'none' ? undefined : answer
  const left = await readPostmasterFile(cluster)
  throw await withLog(
    `The PostgreSQL that runs in ${cluster} (process ${left?.pid}) is ${left?.status || 'silent'} for ${readyLimitMs / 1000} s`,
    undefined,
    logFile,
  )
}

async function withLog(text: string, cause: unknown, logFile: string): Promise<Error> {
  const reason = cause instanceof Error ? `: ${cause.message}` : ''
  return new Error(`${text}${reason}. Its log (${logFile}) ends with:\n${await readLogTail(logFile)}`, { cause })
}

/** A cluster stays with the account that owns it, also when an account that we would rather use has appeared since. */
async function ownerOf(cluster: string, account: ServerUser | undefined): Promise<ServerUser | undefined> {
  const { uid, gid } = await stat(cluster)
  return account && uid !== 0 && uid !== account.uid ? { name: `number ${uid}`, uid, gid } : account
}

async function checkVersion(cluster: string, programs: Programs): Promise<void> {
  const major = (await readFile(join(cluster, 'PG_VERSION'), 'utf8')).trim()
  if (major === `${programs.major}`) return
  throw new Error(
    `The database in ${cluster} was made by PostgreSQL ${major} and cannot be opened by ${programs.version}. ` +
      'Move it with the tools of PostgreSQL, or use the version of Daybook that made it.',
  )
}

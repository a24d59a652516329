import { createHash } from 'node:crypto'
import { chmod, mkdir, readFile, realpath, stat } from 'node:fs/promises'
import { dirname, isAbsolute, join, relative, resolve } from 'node:path'
import { makeOwnDirectory } from './own-directory.ts'
import { canEnter } from './server-user.ts'
import type { ServerUser } from './server-user.ts'
import { writeDurably } from './write-durably.ts'

/**
 * Where root keeps clusters and programs that the server's account could not reach elsewhere. Both survive a restart of the
 * machine.
 */
export const systemPlaces: readonly string[] = ['/var/lib/daybook', '/var/tmp/daybook']

const locationFileName = 'postgres.location'

/** Makes the data directory unless it is there; answers with its real path. Only as open as the server's account needs. */
export async function openDataDirectory(dataDir: string, user: ServerUser | undefined): Promise<string> {
  const mode = user ? 0o711 : 0o700
  const created = await mkdir(dataDir, { recursive: true, mode })
  if (created !== undefined) await chmod(dataDir, mode)
  return realpath(dataDir)
}

/** The path that `recordCluster` stored: a cluster was made there once. */
export async function findRecordedCluster(dataDir: string): Promise<string | undefined> {
  const text = await readFile(join(dataDir, locationFileName), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  return text === undefined ? undefined : resolve(dataDir, text.trim())
}

/**
 * Called once a cluster is complete; does nothing from then on. A path inside the data directory is kept relative, so that the
 * directory can be moved.
 */
export async function recordCluster(dataDir: string, cluster: string): Promise<void> {
  if ((await findRecordedCluster(dataDir)) !== undefined) return
  const inside = relative(dataDir, cluster)
  const path = inside.startsWith('..') || isAbsolute(inside) ? cluster : inside
  await writeDurably(join(dataDir, locationFileName), `${path}\n`)
}

/**
 * The directory of the cluster, there or still to be made: `<dataDir>/postgres`, or, when the server's account cannot enter the
 * data directory, one below `systemPlaces`.
 *
 * A cluster that was recorded is used where it was or nowhere: should it be missing or closed to us, this throws. An empty
 * database must never quietly take the place of a full one.
 *
 * The name of a place outside comes from the path and the password. So it is found again by a start that follows a crash
 * between making and recording it, and not by a data directory that was deleted and made anew.
 */
export async function placeCluster(dataDir: string, user: ServerUser | undefined, password: string): Promise<string> {
  const recorded = await findRecordedCluster(dataDir)
  if (recorded !== undefined) {
    await checkRecorded(dataDir, recorded, user)
    return recorded
  }
  const inside = join(dataDir, 'postgres')
  if ((await isCluster(inside)) || (await canEnter(user, dataDir))) return inside

  const id = createHash('sha256').update(`${dataDir}\n${password}`).digest('hex').slice(0, 16)
  const problems: string[] = []
  for (const place of systemPlaces) {
    const home = join(place, `data-${id}`)
    try {
      await makeOwnDirectory(place)
      await makeOwnDirectory(home)
      if (await canEnter(user, home)) return join(home, 'postgres')
      problems.push(`${home} is closed to user ${user?.name}`)
    } catch (error) {
      problems.push(String(error))
    }
  }
  throw new Error(
    `PostgreSQL runs as user ${user?.name}, who cannot enter ${dataDir}, and no other place was found:\n${problems.join('\n')}`,
  )
}

/** Whether a complete cluster is there. initdb works elsewhere and the result is renamed, so there are no half ones. */
export async function isCluster(directory: string): Promise<boolean> {
  return stat(join(directory, 'PG_VERSION')).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false
      throw error
    },
  )
}

async function checkRecorded(dataDir: string, cluster: string, user: ServerUser | undefined): Promise<void> {
  if (!(await isCluster(cluster))) {
    throw new Error(
      `The database of ${dataDir} should be in ${cluster} but is not there. Put it back. ` +
        `To begin with an empty database instead, delete ${join(dataDir, locationFileName)}.`,
    )
  }
  if (!(await canEnter(user, dirname(cluster)))) {
    throw new Error(
      `The database is in ${cluster}, where user ${user?.name}, who runs PostgreSQL, cannot go any more. ` +
        'Let other users pass through its parent directories again (chmod o+x).',
    )
  }
}

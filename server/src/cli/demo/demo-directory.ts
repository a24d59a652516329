import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { findRecordedCluster, openDataDirectory } from '../../db/embedded/place-cluster.ts'
import { findServerUser } from '../../db/embedded/server-user.ts'
import { writeDurably } from '../../db/embedded/write-durably.ts'
import { newApiKey } from '../../identity/api-key-text.ts'
import { UsageError } from '../exit-codes.ts'

/** A data directory for demos, and what a demo has to know to go on where the one before it was ended. */
export interface DemoDirectory {
  readonly dataDir: string
  readonly apiKey: string
  /** The receiver's signing secret. */
  readonly secret: string
  /** 1 for the first demo in it. */
  readonly run: number
  /** Removes a temporary one, with everything in it; a given one stays. */
  release(): Promise<void>
}

interface State {
  readonly api_key: string
  readonly secret: string
  readonly runs: number
}

const stateFileName = 'demo.json'

/** The given directory, made if it is not there; or a temporary one. */
export async function openDemoDirectory(given: string | undefined): Promise<DemoDirectory> {
  if (given !== undefined) return { ...(await prepare(resolve(given))), release: async () => {} }
  const parent = await mkdtemp(join(tmpdir(), 'daybook-demo-'))
  // The account that root lends the database has to come through.
  await chmod(parent, 0o711)
  const dataDir = join(parent, 'data')
  return { ...(await prepare(dataDir)), release: async () => await remove(parent, dataDir) }
}

async function prepare(path: string): Promise<Omit<DemoDirectory, 'release'>> {
  const dataDir = await openDataDirectory(path, await findServerUser())
  const state = (await readState(dataDir)) ?? (await firstState(dataDir))
  const run = state.runs + 1
  await writeDurably(join(dataDir, stateFileName), `${JSON.stringify({ ...state, runs: run })}\n`)
  return { dataDir, apiKey: state.api_key, secret: state.secret, run }
}

/** Written before a server first starts, which then takes the key over: so the key of a database is never unknown. */
async function firstState(dataDir: string): Promise<State> {
  if ((await findRecordedCluster(dataDir)) !== undefined) {
    throw new UsageError(`${dataDir} holds a Daybook that no demo made; give the demo a directory of its own`)
  }
  return { api_key: newApiKey(), secret: `whsec_${randomBytes(32).toString('base64')}`, runs: 0 }
}

async function readState(dataDir: string): Promise<State | undefined> {
  const text = await readFile(join(dataDir, stateFileName), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  return text === undefined ? undefined : JSON.parse(text)
}

async function remove(parent: string, dataDir: string): Promise<void> {
  const cluster = await findRecordedCluster(dataDir)
  const options = { recursive: true, force: true, maxRetries: 3 }
  await rm(parent, options)
  if (cluster !== undefined && !cluster.startsWith(parent)) await rm(dirname(cluster), options)
}

import { readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { runCommand } from './run-command.ts'

/** What a server tells of itself in `postmaster.pid` in its cluster's directory. */
export interface PostmasterFile {
  readonly pid: number
  readonly port: number
  /** `starting`, `ready`, `stopping`; empty in the first moments. */
  readonly status: string
}

/**
 * Undefined when there is none, or when it is being written. A server that was killed leaves its file behind, so ask
 * `isPostmaster` too.
 */
export async function readPostmasterFile(cluster: string): Promise<PostmasterFile | undefined> {
  const text = await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  const lines = text.split('\n').map((line) => line.trim())
  const pid = Number(lines[0])
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined
  return { pid, port: Number(lines[3]), status: lines[7] ?? '' }
}

/**
 * Whether process `pid` is a live server of this cluster, and not some other program that was given the number of a dead one.
 * A server works in its cluster's directory (Linux) and was started with its path (macOS). On Windows any live process counts.
 * `cluster` is a real path.
 */
export async function isPostmaster(pid: number, cluster: string): Promise<boolean> {
  if (process.platform === 'linux') return (await readlink(`/proc/${pid}/cwd`).catch(() => undefined)) === cluster
  if (process.platform === 'win32') return isAlive(pid)
  const { stdout } = await runCommand('ps', ['-ww', '-o', 'command=', '-p', `${pid}`])
  return stdout.includes(`-D ${cluster}`)
}

/** Whether any process has this number. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { findFreePort } from './free-port.ts'
import { poll } from './poll.ts'
import { readPostmasterFile } from './postmaster-file.ts'
import type { PostmasterFile } from './postmaster-file.ts'
import type { Programs } from './prepare-programs.ts'
import { spawnOptions } from './run-command.ts'
import { openServerLog, readLogTail } from './server-log.ts'
import { digestSetting } from './server-settings.ts'
import type { ServerSettings } from './server-settings.ts'

export interface LaunchOptions {
  readonly programs: Programs
  readonly cluster: string
  readonly logFile: string
  readonly settings: ServerSettings
  /** The pid in the postmaster.pid of a server that is dead, when some other process carries that number now. */
  readonly deadPostmasterPid: number | undefined
  readonly limitMs: number
}

/**
 * Reasons that pass: the port was taken since it was found free, or sessions of a server that was killed have not yet noticed
 * that and still hold its shared memory.
 */
const passingReason = /could not bind|could not create any TCP\/IP sockets|pre-existing shared memory block/

/**
 * Starts a server on a free port and resolves once it accepts connections.
 *
 * It gets a session of its own and its output goes to a file. So a Ctrl-C in the terminal does not reach it before Daybook has
 * finished, and when Daybook is killed it goes on undisturbed, to be found by the next start.
 */
export async function launchPostmaster(options: LaunchOptions): Promise<PostmasterFile> {
  const { cluster, logFile, limitMs } = options
  const retryUntil = performance.now() + 10_000
  for (;;) {
    const attempt = await attemptLaunch(options)
    if (attempt.outcome === 'ready') return attempt.file
    const ended = attempt.outcome === 'ended'
    if (ended && passingReason.test(attempt.log) && performance.now() < retryUntil) {
      await delay(100)
      continue
    }
    const what = ended ? 'did not start' : `is not ready after ${limitMs / 1000} s and goes on starting`
    throw new Error(`The built-in PostgreSQL in ${cluster} ${what}. Its log (${logFile}) ends with:\n${attempt.log}`)
  }
}

type Attempt =
  | { readonly outcome: 'ready'; readonly file: PostmasterFile }
  | { readonly outcome: 'starting' | 'ended'; readonly log: string }

async function attemptLaunch(options: LaunchOptions): Promise<Attempt> {
  const { programs, cluster, logFile, limitMs } = options
  const log = await openServerLog(logFile)
  let child: ChildProcess
  let logStart: number
  try {
    logStart = (await log.stat()).size
    const base = spawnOptions(programs.user)
    child = spawn(programs.postgres, commandLine(options, await findFreePort()), {
      ...base,
      env: { ...base.env, ...disown(options.deadPostmasterPid) },
      detached: true,
      windowsHide: true,
      stdio: ['ignore', log.fd, log.fd],
    })
    await once(child, 'spawn')
  } finally {
    await log.close()
  }
  child.unref()
  const file = await poll<PostmasterFile | 'ended'>(limitMs, 10, async () => {
    if (child.exitCode !== null || child.signalCode !== null) return 'ended'
    const file = await readPostmasterFile(cluster)
    return file?.pid === child.pid && file?.status === 'ready' ? file : undefined
  })
  if (typeof file === 'object') return { outcome: 'ready', file }
  return { outcome: file ?? 'starting', log: await readLogTail(logFile, logStart) }
}

function commandLine({ cluster, settings }: LaunchOptions, port: number): string[] {
  const values = { ...settings.values, [digestSetting]: settings.digest, port: `${port}` }
  return ['-D', cluster, ...Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`])]
}

/**
 * A server refuses to start while the process named in an old postmaster.pid lives, whatever program that is (after a container
 * restarts the numbers often meet again). Naming it as the grandparent, which is what pg_ctl does for its own caller, says that
 * it is no server. Deleting the file would do as well but for one thing: the server also reads there which shared memory to
 * check for surviving sessions of the old one, which could damage the data.
 */
function disown(deadPostmasterPid: number | undefined): NodeJS.ProcessEnv {
  return deadPostmasterPid === undefined ? {} : { PG_GRANDPARENT_PID: `${deadPostmasterPid}` }
}

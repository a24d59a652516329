import { poll } from './poll.ts'
import { isPostmaster, readPostmasterFile } from './postmaster-file.ts'
import type { Programs } from './prepare-programs.ts'
import { runCommand } from './run-command.ts'

const fastLimitSeconds = 60

/**
 * Ends the server of `cluster`, whichever process that is by now, and resolves when it is gone. A fast shutdown: sessions are
 * ended, their transactions rolled back, and a checkpoint is written. Should that take more than a minute, an immediate one
 * follows, from which the next start recovers without loss.
 */
export async function stopPostmaster(
  programs: Programs,
  cluster: string,
  log: (message: string) => void,
): Promise<void> {
  const file = await readPostmasterFile(cluster)
  if (!file || !(await isPostmaster(file.pid, cluster))) return
  const isGone = async (): Promise<true | undefined> => ((await isPostmaster(file.pid, cluster)) ? undefined : true)
  const stop = async (mode: string, seconds: number): Promise<string | undefined> => {
    const args = ['stop', '-D', cluster, '-m', mode, '-t', `${seconds}`, '-s']
    const result = await runCommand(programs.pgCtl, args, { user: programs.user })
    // The process survives its pid file, for which pg_ctl waits, by a moment. A pg_ctl that a second Ctrl-C ended did not wait.
    const limitMs = result.exitCode === undefined ? seconds * 1000 : 2_000
    return (await poll(limitMs, 10, isGone)) ? undefined : result.stderr
  }
  const reason = await stop('fast', fastLimitSeconds)
  if (reason === undefined) return
  log(`The built-in database did not stop in ${fastLimitSeconds} s, it is now stopped at once: ${reason}`)
  const problem = await stop('immediate', 20)
  if (problem !== undefined) throw new Error(`The built-in PostgreSQL (process ${file.pid}) does not stop: ${problem}`)
}

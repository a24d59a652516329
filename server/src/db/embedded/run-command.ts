import { execFile } from 'node:child_process'
import type { ServerUser } from './server-user.ts'

export interface CommandResult {
  /** Undefined when the program could not be started or was ended by a signal. */
  readonly exitCode: number | undefined
  readonly stdout: string
  /** What it printed to its error output, or why it could not be started. */
  readonly stderr: string
}

/** Runs a program to its end, without a shell. Never rejects: a failure is an exit code other than 0. */
export function runCommand(
  file: string,
  args: readonly string[],
  options: { readonly user?: ServerUser | undefined; readonly timeoutMs?: number } = {},
): Promise<CommandResult> {
  const { promise, resolve } = Promise.withResolvers<CommandResult>()
  execFile(
    file,
    args,
    { ...spawnOptions(options.user), timeout: options.timeoutMs ?? 0, windowsHide: true },
    (error, stdout, stderr) => {
      const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : undefined
      resolve({ exitCode, stdout: stdout.trim(), stderr: stderr.trim() || (error === null ? '' : error.message) })
    },
  )
  return promise
}

/**
 * What every PostgreSQL program is started with. The environment holds the few variables that programs need and nothing else:
 * ours may hold secrets, and PG* or LC_* variables would change what the server does. The directory is one that any account
 * can be in.
 */
export function spawnOptions(user: ServerUser | undefined): {
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  readonly uid?: number
  readonly gid?: number
} {
  const passed = ['PATH', 'SystemRoot', 'TEMP', 'TMP'].flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return {
    cwd: '/',
    env: { ...Object.fromEntries(passed), LC_ALL: 'C', TZ: 'UTC' },
    ...(user ? { uid: user.uid, gid: user.gid } : {}),
  }
}

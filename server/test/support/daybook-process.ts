import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Owner } from '../torture/cleanup.ts'
import { fileURLToPath } from 'node:url'
import { nodeFlags } from '../../bin/node-flags.js'
import { MASTER_KEY } from './master-key.ts'
import { assertSilentLog } from './silent-log.ts'

export interface DaybookProcess {
  readonly url: string
  readonly pid: number
  /** Everything it wrote to standard error: its log. */
  log(): string
  /** Resolves with the exit code, or the signal's name, when it is gone. */
  readonly ended: Promise<number | string>
  kill(signal: NodeJS.Signals): void
  /** SIGTERM, then waits; answers with the exit code. */
  stop(): Promise<number | string>
}

const bin = fileURLToPath(new URL('../../bin/daybook.js', import.meta.url))
export const API_KEY = 'test-key-0123456789abcdef0123456789abcdef'

/** Starts `daybook start --json` as a process of its own and resolves when it is ready. It is stopped after the test. */
export async function startDaybook(
  t: Owner,
  env: Readonly<Record<string, string>>,
  args: readonly string[] = [],
  /** A shell command that ends in `exec "$0" "$@"`, to start it under limits. */
  shell?: string,
): Promise<DaybookProcess> {
  const complete = {
    DAYBOOK_PORT: '0',
    DAYBOOK_BOOTSTRAP_API_KEY: API_KEY,
    DAYBOOK_EGRESS_ALLOW: '127.0.0.0/8',
    DAYBOOK_LOG_LEVEL: 'info',
    // An embedded database has a key file of its own.
    ...('DATABASE_URL' in env && { DAYBOOK_MASTER_KEY: MASTER_KEY }),
    ...env,
  }
  const own = [process.execPath, ...nodeFlags, bin, 'start', '--json', ...args] as const
  const [command, ...rest] = shell === undefined ? own : (['sh', '-c', shell, ...own] as const)
  const child = spawn(command, rest, {
    env: { ...ownEnvironment(), ...complete },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text))
  const ended = once(child, 'exit').then(([code, signal]) => (signal ?? code) as number | string)
  const running: DaybookProcess = {
    url: '',
    pid: child.pid ?? 0,
    log: () => log,
    ended,
    kill: (signal) => void child.kill(signal),
    stop: async () => {
      child.kill('SIGTERM')
      return await ended
    },
  }
  t.after(async () => {
    child.kill('SIGCONT')
    await running.stop()
    assertSilentLog(log, complete)
  })
  const lines = createInterface({ input: child.stdout })
  const ready = await Promise.race([
    once(lines, 'line').then(([line]) => JSON.parse(line as string) as { url: string }),
    ended.then((how) => {
      throw new Error(`daybook ended with ${how} before it was ready\n${log}`)
    }),
  ])
  return Object.assign(running, { url: ready.url })
}

/** Runs a command to its end. Whatever it says, on either stream, is looked through for the secrets that it was given. */
export async function runDaybook(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<{ exitCode: number | string; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [...nodeFlags, bin, ...args], {
    env: { ...ownEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
  })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  assertSilentLog(stdout + stderr, env)
  return { exitCode: code ?? signal ?? 'unknown', stdout, stderr }
}

function ownEnvironment(): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], HOME: process.env['HOME'] }
}

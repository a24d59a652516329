import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { startEmbeddedPostgres } from '../src/db/embedded/start-embedded-postgres.ts'
import { sharedNowMs } from './shared-clock.ts'
import { nodeFlags } from '../bin/node-flags.js'

/** A server as an operator runs it: its own process, the embedded database, fsync on. */
export interface ServerProcess {
  readonly url: string
  /** From the spawn to the line that says it is ready. */
  readonly startedInMs: number
  /** The most memory it held so far, in MB of resident set. Undefined where the system does not tell (Linux does). */
  peakMemoryMb(): Promise<number | undefined>
  /** SIGKILL, as the system does it. Its database is left running. */
  kill(): Promise<void>
  /** Resolves when it and its database are gone. Safe to call twice. */
  stop(): Promise<void>
}

export interface ServerOptions {
  readonly dataDir: string
  readonly apiKey: string
  readonly variables?: Readonly<Record<string, string>>
}

const daybook = fileURLToPath(new URL('../bin/daybook.js', import.meta.url))
const STOP_LIMIT_MS = 40_000

export async function startServerProcess({ dataDir, apiKey, variables }: ServerOptions): Promise<ServerProcess> {
  const startMs = sharedNowMs()
  const child = spawn(process.execPath, [...nodeFlags, daybook, 'start', '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true, // Ctrl-C is for the benchmark alone, which then stops the server
    env: {
      ...withoutSettings(process.env),
      DAYBOOK_DATA_DIR: dataDir,
      DAYBOOK_PORT: '0',
      DAYBOOK_EGRESS_ALLOW: '127.0.0.0/8',
      DAYBOOK_BOOTSTRAP_API_KEY: apiKey,
      DAYBOOK_LOG_LEVEL: 'warn',
      DAYBOOK_RATE_LIMIT: '0',
      ...variables,
    },
  })
  const gone = once(child, 'exit')
  let stopping: Promise<void> | undefined
  const stop = (): Promise<void> => (stopping ??= stopServer())

  async function stopServer(): Promise<void> {
    child.kill('SIGTERM')
    const overdue = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS)
    await gone
    clearTimeout(overdue)
    if (child.exitCode === 0) return
    // It ended without stopping its database, which is taken over and stopped.
    const left = await startEmbeddedPostgres({ dataDir, log: () => {} })
    await left.stop()
  }

  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await gone
  }

  const lines = createInterface({ input: child.stdout })
  const readyLine = await Promise.race([once(lines, 'line'), gone.then(() => undefined)])
  const startedInMs = sharedNowMs() - startMs
  if (!readyLine) {
    await stop().catch(() => {}) // its own failure is the news
    throw new Error('The server ended before it was ready')
  }
  const { url, pid }: { url: string; pid: number } = JSON.parse(String(readyLine[0]))
  return { url, startedInMs, kill, stop, peakMemoryMb: async () => await readPeakMemoryMb(pid) }
}

/** The operator's own settings would measure something else. */
function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !name.startsWith('DAYBOOK_') && name !== 'DATABASE_URL'),
  )
}

async function readPeakMemoryMb(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]
  return kilobytes === undefined ? undefined : (Number(kilobytes) * 1_024) / 1e6
}

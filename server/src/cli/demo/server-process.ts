import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../lib/clock.ts'
import type { Environment } from '../config.ts'
import { stopLeftDatabase } from './stop-left-database.ts'
import { nodeFlags } from '../../../bin/node-flags.js'

interface ServerProcessOptions {
  /** This process's own; what configures a Daybook is taken out of it. */
  readonly env: Environment
  readonly dataDir: string
  readonly apiKey: string
  /** Said to people. */
  readonly log: (line: string) => void
}

const main = fileURLToPath(new URL('../main.ts', import.meta.url))
const endWithParent = new URL('end-with-parent.ts', import.meta.url).href

const stopGraceSeconds = 5
const stopLimitMs = stopGraceSeconds * 1_000 + 10_000
/** A server that ends more often than this is not started again. */
const startsMax = 20

/**
 * `daybook start` as a process of its own, kept running: should it end unasked, killed for example, it is started again on
 * the same data and the same port. Its process group is its own, so that Ctrl-C in a terminal reaches us alone.
 */
export class ServerProcess {
  readonly #options: ServerProcessOptions
  readonly #broken = new AbortController()
  #child: ChildProcess | undefined
  #url = ''
  #starts = 0
  #startedAtMs = 0
  #stopping = false

  constructor(options: ServerProcessOptions) {
    this.#options = options
  }

  get url(): string {
    return this.#url
  }

  get restarts(): number {
    return Math.max(0, this.#starts - 1)
  }

  /** `performance.now()` of the moment when it was last ready. */
  get startedAtMs(): number {
    return this.#startedAtMs
  }

  /** Aborted, with the reason, when it ended and cannot be started again. */
  get broken(): AbortSignal {
    return this.#broken.signal
  }

  /** Resolves when it is ready. Called once. */
  async start(): Promise<void> {
    await this.#launch('0')
  }

  /** Asks it to stop, and makes it when the time is up or `hurry` is aborted. Resolves when nothing of it runs any more. */
  async stop(hurry: AbortSignal): Promise<void> {
    this.#stopping = true
    const child = this.#child
    if (child && !hasEnded(child)) {
      const gone = new AbortController()
      const ended = once(child, 'exit').then(() => gone.abort())
      child.kill('SIGTERM')
      await systemClock.sleep(stopLimitMs, AbortSignal.any([gone.signal, hurry]))
      if (!gone.signal.aborted) child.kill('SIGKILL')
      await ended
    }
    await stopLeftDatabase(this.#options.dataDir)
  }

  async #launch(port: string): Promise<void> {
    const { env, dataDir, apiKey } = this.#options
    const args = [...nodeFlags, '--import', endWithParent, main, 'start', '--json', '--port', port]
    const child = spawn(process.execPath, args, {
      env: serverEnvironment(env, dataDir, apiKey),
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    })
    this.#child = child
    const lastWords = keepLastLines(child.stderr)
    const ended = once(child, 'exit')
    const ready = once(createInterface({ input: child.stdout }), 'line')
    const line = await Promise.race([ready, ended.then(() => undefined)])
    if (!line) throw new Error(['The server did not start', ...lastWords].join('\n  '))
    this.#url = JSON.parse(String(line[0])).url
    this.#starts++
    this.#startedAtMs = performance.now()
    ended.then(([code, signal]) => this.#goOn(String(signal ?? code))).catch((error) => this.#broken.abort(error))
  }

  async #goOn(how: string): Promise<void> {
    if (this.#stopping) return
    if (this.#starts >= startsMax) throw new Error(`The server ended again and again, at last with ${how}`)
    this.#options.log(`The server ended (${how}); starting it again`)
    try {
      await this.#launch(new URL(this.#url).port)
    } catch (error) {
      if (!this.#stopping) throw error
    }
  }
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null
}

/** Nothing of a configuration that stands around may reach the demo, least of all the address of a real database. */
function serverEnvironment(env: Environment, dataDir: string, apiKey: string): NodeJS.ProcessEnv {
  const neutral = Object.entries(env).filter(([name]) => !name.startsWith('DAYBOOK_') && name !== 'DATABASE_URL')
  return {
    ...Object.fromEntries(neutral),
    DAYBOOK_DATA_DIR: dataDir,
    DAYBOOK_BOOTSTRAP_API_KEY: apiKey,
    DAYBOOK_EGRESS_ALLOW: '127.0.0.0/8',
    // Short at first: what a kill interrupted shall be seen to arrive. Long at last: a receiver may be away for a while.
    DAYBOOK_RETRY_SCHEDULE: '1,2,5,10,60,300,900,3600',
    DAYBOOK_STOP_GRACE: String(stopGraceSeconds),
    DAYBOOK_LOG_LEVEL: 'warn',
  }
}

/** An array that always holds the last few lines of the stream. */
function keepLastLines(stream: NodeJS.ReadableStream): readonly string[] {
  const lines: string[] = []
  createInterface({ input: stream }).on('line', (line) => {
    lines.push(line)
    if (lines.length > 20) lines.shift()
  })
  return lines
}

import { readClockDifference, readMigrationState } from '../db/inspect-server.ts'
import { loggableError } from '../db/loggable-error.ts'
import type { Db } from '../db/statement.ts'
import type { Clock } from '../lib/clock.ts'
import { Loop } from '../lib/loop.ts'
import type { ReadinessCheck, ReadinessReport } from '../lib/readiness-report.ts'
import { isReady, readinessChecks } from '../lib/readiness-report.ts'

/**
 * Whether this process can do its work, found out in the background, so that the answer to a probe is immediate.
 *
 * Every second it asks the database and the engine's thread, each with a deadline; so what falls silent is told within
 * {@link LOOK_EVERY_MS} and a deadline, and what comes back is told with the next look. It has a connection of its own:
 * requests that wait for a free one do not make a process look broken.
 */
export interface ReadinessOptions {
  /** Its pool's time-outs should be those of the deadline. */
  readonly db: Db
  readonly clock: Clock
  /** What this version brings. Read before: a process that has no file descriptor left is not one of another version. */
  readonly migrations: readonly string[]
  /** Resolves when the engine's thread answers. Absent where there is no engine. */
  readonly pingEngine?: (() => Promise<unknown>) | undefined
  readonly isStopping: () => boolean
  readonly log: { info(facts: object, message: string): void; warn(facts: object, message: string): void }
}

const LOOK_EVERY_MS = 1_000
const ANSWER_MS_MAX = 2_000

/** From here on, times that processes write and compare are wrong enough to be told of. */
const CLOCK_DIFFERENCE_MS_MAX = 5_000

const NOT_LOOKED = 'not looked at yet'

export class Readiness {
  readonly #options: ReadinessOptions
  readonly #loop: Loop
  #report: Omit<ReadinessReport, 'running'> = { database: NOT_LOOKED, migrations: NOT_LOOKED, engine: NOT_LOOKED }
  #clockDifferenceMs: number | undefined
  #told = true

  constructor(options: ReadinessOptions) {
    this.#options = options
    this.#loop = new Loop({
      clock: options.clock,
      round: async () => await this.look(),
      errorPauseMs: LOOK_EVERY_MS,
      onError: (err) => options.log.warn({ err }, 'readiness was not found out'),
    })
  }

  /** Of the last look. */
  report(): ReadinessReport {
    return { ...this.#report, running: this.#options.isStopping() ? 'it is stopping' : undefined }
  }

  /** How far the clock here is ahead of the database's; undefined while that is not known. */
  get clockDifferenceMs(): number | undefined {
    return this.#clockDifferenceMs
  }

  /** Looks once, and then again and again. */
  async start(): Promise<void> {
    await this.look()
    this.#loop.start()
  }

  async stop(): Promise<void> {
    await this.#loop.stop()
  }

  /** Answers with the milliseconds to rest. */
  async look(): Promise<number> {
    const [fromDatabase, engine] = await Promise.all([
      this.#lookAtDatabase(),
      this.#check(async () => void (await this.#options.pingEngine?.())),
    ])
    this.#report = { ...fromDatabase, engine }
    this.#tell()
    return LOOK_EVERY_MS
  }

  /** One question after the other: together they take one connection. */
  async #lookAtDatabase(): Promise<Pick<ReadinessReport, 'database' | 'migrations'>> {
    const database = await this.#check(async () => await this.#askDatabase())
    if (database === undefined)
      return { database, migrations: await this.#check(async () => await this.#askMigrations()) }
    this.#clockDifferenceMs = undefined
    return { database, migrations: 'not known without the database' }
  }

  /** Why it does not hold: what `ask` answers or throws, or that it did neither in time. */
  async #check(ask: () => Promise<string | undefined>): Promise<string | undefined> {
    const enough = new AbortController()
    const late = this.#options.clock.sleep(ANSWER_MS_MAX, enough.signal).then(() => `no answer in ${ANSWER_MS_MAX} ms`)
    const asked = ask().catch((error: unknown) => {
      const { code, message } = loggableError(error)
      return code ?? message
    })
    return await Promise.race([asked, late]).finally(() => enough.abort())
  }

  async #askDatabase(): Promise<undefined> {
    const { db, clock, log } = this.#options
    const before = this.#clockDifferenceMs ?? 0
    this.#clockDifferenceMs = await readClockDifference(db, clock)
    if (isFar(this.#clockDifferenceMs) && !isFar(before)) {
      const ms = Math.round(this.#clockDifferenceMs)
      log.warn(
        { ahead_ms: ms },
        "the clock here and the database's differ; times of events and signatures will be wrong",
      )
    }
  }

  async #askMigrations(): Promise<string | undefined> {
    const { db, migrations } = this.#options
    const { pending } = await readMigrationState(db, migrations)
    return pending.length > 0 ? `not run: ${pending.join(', ')}` : undefined
  }

  /** A line when it changes, none while it stays. */
  #tell(): void {
    const report = this.report()
    const ready = isReady({ ...report, running: undefined })
    if (ready === this.#told) return
    this.#told = ready
    if (ready) this.#options.log.info({}, 'ready again')
    else this.#options.log.warn(failing(report), 'not ready')
  }
}

function failing(report: ReadinessReport): Partial<Record<ReadinessCheck, string>> {
  return Object.fromEntries(
    readinessChecks.flatMap((check) => (report[check] === undefined ? [] : [[check, report[check]]])),
  )
}

function isFar(differenceMs: number): boolean {
  return Math.abs(differenceMs) > CLOCK_DIFFERENCE_MS_MAX
}

import { chmod, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Client } from 'pg'
import type { EmbeddedPostgres } from '../../src/db/embedded/start-embedded-postgres.ts'
import { startEmbeddedPostgres } from '../../src/db/embedded/start-embedded-postgres.ts'
import { until } from '../support/until.ts'
import type { Owner } from './cleanup.ts'
import { withClient } from './with-client.ts'

/** A PostgreSQL of its own, with fsync on, that can be broken. */
export class Database {
  readonly #dataDir: string
  readonly #settings: Readonly<Record<string, string>>
  #postgres: EmbeddedPostgres

  constructor(dataDir: string, settings: Readonly<Record<string, string>>, postgres: EmbeddedPostgres) {
    this.#dataDir = dataDir
    this.#settings = settings
    this.#postgres = postgres
  }

  /** @param parent the directory that it is made in, a small file system for instance */
  static async start(
    owner: Owner,
    extra: Readonly<Record<string, string>> = {},
    parent: string = tmpdir(),
  ): Promise<Database> {
    const dataDir = await mkdtemp(join(parent, 'daybook-torture-'))
    owner.after(async () => await rm(dataDir, { recursive: true, force: true }))
    await chmod(dataDir, 0o755)
    const settings = { restart_after_crash: 'on', max_connections: '150', ...extra }
    const postgres = await startEmbeddedPostgres({ dataDir, log: () => {}, settings })
    const database = new Database(dataDir, settings, postgres)
    owner.after(async () => await database.#postgres.stop())
    return database
  }

  get url(): string {
    return this.#postgres.url
  }

  /** `pg_ctl stop -m immediate` and a start: all sessions drop, crash recovery, another port. */
  async restartImmediately(): Promise<void> {
    process.kill(this.#postgres.pid, 'SIGQUIT')
    await until('the server is gone', async () => !(await this.#accepts()), 10_000)
    await this.#postgres.stop()
    const { postgres } = await this.#startAgain()
    this.#postgres = postgres
  }

  async #startAgain(): Promise<{ postgres: EmbeddedPostgres }> {
    const options = { dataDir: this.#dataDir, log: () => {}, settings: this.#settings }
    return { postgres: await startEmbeddedPostgres(options) }
  }

  /** Takes all the room there is on its file system, until the answer is called. */
  async fillDisk(): Promise<() => Promise<void>> {
    const ballast = join(this.#dataDir, 'ballast')
    const chunk = Buffer.alloc(1 << 20)
    const file = await open(ballast, 'w')
    try {
      for (;;) await file.write(chunk)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
    } finally {
      await file.close()
    }
    return async () => {
      await rm(ballast)
      if (await this.#accepts()) return
      // Without room for its log the server ends; with room it recovers.
      await this.#postgres.stop().catch(() => undefined)
      this.#postgres = (await this.#startAgain()).postgres
    }
  }

  /** One backend of the engine dies by SIGKILL, which takes the whole server through recovery. */
  async killBackend(): Promise<boolean> {
    const pid = await this.withClient(async (client) => {
      const { rows } = await client.query<{ pid: number }>(
        `select pid from pg_stat_activity where application_name = 'daybook_engine' order by state limit 1`,
      )
      return rows[0]?.pid
    })
    if (pid === undefined) return false
    process.kill(pid, 'SIGKILL')
    return true
  }

  /** Waits until connections are accepted again; answers with the moment. */
  async accepting(): Promise<number> {
    return await until('the database accepts connections', async () => (await this.#accepts()) && Date.now(), 60_000)
  }

  async withClient<Result>(work: (client: Client) => Promise<Result>): Promise<Result> {
    return await withClient(this.url, work)
  }

  async #accepts(): Promise<boolean> {
    return await this.withClient(async (client) => {
      await client.query('select 1')
      return true
    }).catch(() => false)
  }
}

import { findFreePort } from '../../src/db/embedded/free-port.ts'
import type { DaybookProcess } from '../support/daybook-process.ts'
import { startDaybook } from '../support/daybook-process.ts'
import type { Owner } from './cleanup.ts'
import type { DatabaseProxy } from './database-proxy.ts'

/** Within the time that a node may be away. */
const STARTS_MAX = 10

/** A process of Daybook at one address for the whole run, however often it is started again. */
export class Node {
  readonly name: string
  readonly proxy: DatabaseProxy
  readonly #owner: Owner
  readonly #env: Readonly<Record<string, string>>
  readonly #port: number
  #process: DaybookProcess | undefined
  #logs = ''
  /** Ends that nobody caused: each is a fault of the product. */
  readonly crashes: string[] = []
  #endsAreExpected = false

  constructor(owner: Owner, name: string, proxy: DatabaseProxy, env: Readonly<Record<string, string>>, port: number) {
    this.#owner = owner
    this.name = name
    this.proxy = proxy
    this.#env = env
    this.#port = port
  }

  static async create(
    owner: Owner,
    name: string,
    proxy: DatabaseProxy,
    env: Readonly<Record<string, string>>,
  ): Promise<Node> {
    return new Node(owner, name, proxy, env, await findFreePort())
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  /** What all its processes logged. */
  get logs(): string {
    return this.#logs + (this.#process?.log() ?? '')
  }

  async start(): Promise<void> {
    const env = { ...this.#env, DATABASE_URL: this.proxy.url, DAYBOOK_PORT: String(this.#port) }
    this.#logs = this.logs
    this.#process = undefined
    const started = await this.#startLikeASupervisor(env)
    this.#endsAreExpected = false
    this.#process = started
    void this.#watch(started)
  }

  /** A start that meets a database on its way down or up ends, and whoever watches over processes starts it again. */
  async #startLikeASupervisor(env: Readonly<Record<string, string>>): Promise<DaybookProcess> {
    for (let left = STARTS_MAX; ; left--) {
      try {
        return await startDaybook(this.#owner, env)
      } catch (error) {
        if (left <= 1) throw error
      }
    }
  }

  async #watch(started: DaybookProcess): Promise<void> {
    const how = await started.ended
    if (this.#endsAreExpected || this.#process !== started) return
    this.crashes.push(`${this.name} ended by itself: ${how}\n${started.log().slice(-2_000)}`)
  }

  async kill(): Promise<void> {
    this.#endsAreExpected = true
    this.#process?.kill('SIGKILL')
    await this.#process?.ended
  }

  /** Asks it to end, and answers with the exit code or the signal. */
  async stop(): Promise<number | string | undefined> {
    this.#endsAreExpected = true
    return await this.#process?.stop()
  }

  pause(): void {
    this.#process?.kill('SIGSTOP')
  }

  goOn(): void {
    this.#process?.kill('SIGCONT')
  }
}

import type { ConnectPolicy } from './guarded-connect.ts'
import type { HttpAttempt } from './http-attempt.ts'
import { HttpConnection } from './http-connection.ts'

/** A connection is not reused beyond this age, so that a change in DNS is followed under steady traffic too. */
const maxConnectionAgeMs = 300_000

export interface OriginPoolOptions {
  readonly policy: ConnectPolicy
  readonly maxSockets: number
  readonly maxIdleMs: number
}

/**
 * The connections to one origin. Idle ones are reused newest first, so that the others grow old and close; attempts
 * beyond `maxSockets` wait in order, and leave the queue when their deadline settles them.
 */
export class OriginPool {
  readonly #url: URL
  readonly #options: OriginPoolOptions
  readonly #onEmpty: () => void
  readonly #connections = new Set<HttpConnection>()
  readonly #idle: HttpConnection[] = []
  readonly #waiting: HttpAttempt[] = []
  #closed = false

  /** `onEmpty` is called when its last connection is gone. Nothing waits then, and it may be forgotten. */
  constructor(url: URL, options: OriginPoolOptions, onEmpty: () => void) {
    this.#url = url
    this.#options = options
    this.#onEmpty = onEmpty
  }

  run(attempt: HttpAttempt): void {
    if (this.#closed) return attempt.cancel()
    const connection = this.#idle.pop() ?? this.#open()
    if (connection) connection.carry(attempt)
    else this.#waiting.push(attempt)
  }

  /** Closes all sockets, also those in use. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#connections].map((connection) => connection.discard()))
  }

  #open(): HttpConnection | undefined {
    if (this.#connections.size >= this.#options.maxSockets) return undefined
    const { policy, maxIdleMs } = this.#options
    const connection = new HttpConnection(this.#url, policy, maxIdleMs, {
      onFree: (free, reusable) => this.#takeBack(free, reusable),
      onUncarried: (broken, attempt) => {
        this.#waiting.unshift(attempt)
        void broken.discard()
      },
      onGone: (gone) => this.#remove(gone),
    })
    this.#connections.add(connection)
    return connection
  }

  #takeBack(connection: HttpConnection, reusable: boolean): void {
    if (!reusable || connection.isGone || connection.ageMs >= maxConnectionAgeMs) return void connection.discard()
    this.#idle.push(connection)
    this.#runNext()
  }

  #remove(connection: HttpConnection): void {
    this.#connections.delete(connection)
    const at = this.#idle.indexOf(connection)
    if (at >= 0) this.#idle.splice(at, 1)
    this.#runNext()
    if (this.#connections.size === 0) this.#onEmpty()
  }

  #runNext(): void {
    let next = this.#waiting.shift()
    while (next?.settled) next = this.#waiting.shift()
    if (next) this.run(next)
  }
}

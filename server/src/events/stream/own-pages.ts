import type { DbPool } from '../../db/pools.ts'
import type { Clock } from '../../lib/clock.ts'
import { readStreamPage } from './read-stream-page.ts'
import type { StreamListener } from './stream-listener.ts'
import { makePage } from './stream-page.ts'

export interface OwnPagesOptions {
  readonly pool: DbPool
  readonly clock: Clock
  /** Told when a listener was given a page and may be given another. */
  readonly onRead: (listener: StreamListener) => void
  /** Answers whether the error passes by itself, and the page is to be read again. */
  readonly onError: (error: unknown, listener: StreamListener) => boolean
}

/** Of the connections of the pool, so that the requests of others find one. */
const READERS_MAX = 3
const ROWS_MAX = 100
const ERROR_PAUSE_MS = 500

/**
 * Pages of the log for those who are too far behind for what is held. Everyone who waits has one page in turn, by its own
 * filter and its own index; a page that looked at many events and found none still moves on.
 */
export class OwnPages {
  readonly #options: OwnPagesOptions
  readonly #stopping = new AbortController()
  readonly #waiting = new Set<StreamListener>()
  readonly #readers = new Set<Promise<void>>()

  constructor(options: OwnPagesOptions) {
    this.#options = options
  }

  /** Nothing else may be written to it until it has its page. */
  read(listener: StreamListener): void {
    listener.isReading = true
    this.#waiting.add(listener)
    this.#startReaders()
  }

  /** Resolves when no statement is under way. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#waiting.clear()
    await Promise.all(this.#readers)
  }

  #startReaders(): void {
    while (this.#waiting.size > this.#readers.size && this.#readers.size < READERS_MAX) {
      const reader = this.#readAll().finally(() => {
        this.#readers.delete(reader)
        this.#startReaders()
      })
      this.#readers.add(reader)
    }
  }

  async #readAll(): Promise<void> {
    for (const listener of this.#waiting) {
      this.#waiting.delete(listener)
      await this.#readOne(listener)
    }
  }

  /** Never rejects. */
  async #readOne(listener: StreamListener): Promise<void> {
    const { pool, clock, onRead, onError } = this.#options
    const { companyId, selection, position: after, rowsPerPage } = listener
    if (listener.hasEnded) return
    try {
      const read = await readStreamPage(pool, companyId, selection, { after, limit: rowsPerPage })
      const page = makePage(read.events, selection, read.position)
      const isCut = page.position < read.position
      const fitting = read.events.filter(({ position }) => position <= page.position).length
      listener.rowsPerPage = isCut ? Math.max(1, fitting) : Math.min(ROWS_MAX, rowsPerPage * 2)
      listener.isReading = false
      listener.take(page, clock.elapsed())
      onRead(listener)
    } catch (error) {
      const { signal } = this.#stopping
      if (listener.hasEnded || signal.aborted || !onError(error, listener)) return
      await clock.sleep(ERROR_PAUSE_MS, signal)
      if (!signal.aborted) this.#waiting.add(listener)
    }
  }
}

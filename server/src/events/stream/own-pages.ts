import type { DbPool } from '../../db/pools.ts'
import type { Clock } from '../../lib/clock.ts'
import type { StreamRead } from './read-stream-page.ts'
import { readStreamPage } from './read-stream-page.ts'
import type { StreamListener } from './stream-listener.ts'
import type { StreamPage } from './stream-page.ts'
import { makePage } from './stream-page.ts'

export interface OwnPagesOptions {
  readonly pool: DbPool
  readonly clock: Clock
  /** To give it its page. Does not throw. */
  readonly onRead: (listener: StreamListener, page: StreamPage) => void
  /** Answers whether the error passes by itself, and the page is to be read again. */
  readonly onError: (error: unknown, listener: StreamListener) => boolean
}

/** Of the connections of the pool, so that the requests of others find one. */
const READERS_MAX = 3
/** Of one company, where nobody of another waits. */
const READERS_OF_COMPANY_MAX = 2
const ROWS_MAX = 100
const ERROR_PAUSE_MS = 500

/**
 * Pages of the log for those who are too far behind for what is held. Companies have one page in turn, and within a company
 * everyone who waits; so many of one company do not keep another waiting. A page is by the listener's own filter and index; one
 * that looked at many events and found none still moves on.
 */
export class OwnPages {
  readonly #options: OwnPagesOptions
  readonly #stopping = new AbortController()
  /** By company, in the order of turns. */
  readonly #waiting = new Map<string, Set<StreamListener>>()
  /** Pages that are being read, by company. */
  readonly #reading = new Map<string, number>()
  readonly #readers = new Set<Promise<void>>()

  constructor(options: OwnPagesOptions) {
    this.#options = options
  }

  /** Nothing else may be written to it until it has its page. */
  read(listener: StreamListener): void {
    listener.isReading = true
    this.#wait(listener)
    this.#startReaders()
  }

  /** Resolves when no statement is under way. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#waiting.clear()
    await Promise.all(this.#readers)
  }

  #wait(listener: StreamListener): void {
    const waiting = this.#waiting.get(listener.companyId) ?? new Set()
    this.#waiting.set(listener.companyId, waiting.add(listener))
  }

  #startReaders(): void {
    while (this.#readers.size < READERS_MAX) {
      const listener = this.#takeNext()
      if (!listener) return
      const { companyId } = listener
      this.#reading.set(companyId, this.#readersOf(companyId) + 1)
      const reader = this.#readOne(listener).finally(() => {
        this.#readers.delete(reader)
        const left = this.#readersOf(companyId) - 1
        if (left === 0) this.#reading.delete(companyId)
        else this.#reading.set(companyId, left)
        this.#startReaders()
      })
      this.#readers.add(reader)
    }
  }

  /** The first of the company whose turn it is: of those that have no reader, else of those that may have another. */
  #takeNext(): StreamListener | undefined {
    const waiting = [...this.#waiting.keys()]
    const companyId =
      waiting.find((id) => this.#readersOf(id) === 0) ??
      waiting.find((id) => this.#readersOf(id) < READERS_OF_COMPANY_MAX)
    const listeners = companyId === undefined ? undefined : this.#waiting.get(companyId)
    if (companyId === undefined || !listeners) return undefined
    const [listener] = listeners
    this.#waiting.delete(companyId)
    if (!listener) return undefined
    listeners.delete(listener)
    if (listeners.size > 0) this.#waiting.set(companyId, listeners) // behind all others
    return listener
  }

  #readersOf(companyId: string): number {
    return this.#reading.get(companyId) ?? 0
  }

  /** Never rejects. */
  async #readOne(listener: StreamListener): Promise<void> {
    const { pool, clock, onRead, onError } = this.#options
    const { companyId, selection, position: after, rowsPerPage } = listener
    if (listener.hasEnded) return
    let read: StreamRead
    try {
      read = await readStreamPage(pool, companyId, selection, { after, limit: rowsPerPage })
    } catch (error) {
      const { signal } = this.#stopping
      if (listener.hasEnded || signal.aborted || !onError(error, listener)) return
      await clock.sleep(ERROR_PAUSE_MS, signal)
      if (!signal.aborted) this.#wait(listener)
      return
    }
    if (listener.hasEnded) return // meanwhile: nothing follows its last words
    const page = makePage(read.events, selection, read.position)
    const isCut = page.position < read.position
    const fitting = read.events.filter(({ position }) => position <= page.position).length
    listener.rowsPerPage = isCut ? Math.max(1, fitting) : Math.min(ROWS_MAX, rowsPerPage * 2)
    listener.isReading = false
    onRead(listener, page)
  }
}

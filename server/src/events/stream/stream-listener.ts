import { idMessage, retryMessage } from '../../lib/server-sent-events.ts'
import type { EventStreamEnd } from './stream-end.ts'
import { endMessage } from './stream-end.ts'
import type { StreamPage } from './stream-page.ts'
import type { StreamSelection } from './stream-selection.ts'

/** Where messages go: one connection. */
export interface StreamSink {
  /** False: what was written waits to be taken, and nothing more may come until {@link StreamListener.drained}. */
  write(bytes: Buffer | string): boolean
  /** The clean end of the connection; where something waits to be taken, it is cut. */
  end(lastWords: string): void
}

/**
 * One who listens. It has a position, up to which every event was looked at and written if it is wanted; and one page at a time
 * that waits to be taken. Everything else is asked for by position, so nothing is kept for it.
 */
export class StreamListener {
  readonly companyId: string
  readonly keyId: string
  readonly selection: StreamSelection
  /** Ends when it has come this far; undefined where it goes on with what comes. */
  readonly until: number | undefined
  readonly #onUntaken: (page: Buffer) => void
  readonly #onDrained: () => void
  readonly #retryMs: number
  #position: number
  #sink: StreamSink | undefined
  #isTaking = false
  #ended: EventStreamEnd | 'gone' | undefined
  #wroteAtMs = 0
  /** Of the pages that it reads by itself. */
  rowsPerPage = 50
  isReading = false

  constructor(options: {
    readonly companyId: string
    readonly keyId: string
    readonly selection: StreamSelection
    readonly after: number
    readonly until: number | undefined
    /** A page was written that waits to be taken. */
    readonly onUntaken: (page: Buffer) => void
    readonly onDrained: () => void
    /** A client that has lost its connection comes back after this. */
    readonly retryMs: number
  }) {
    this.companyId = options.companyId
    this.keyId = options.keyId
    this.selection = options.selection
    this.until = options.until
    this.#position = options.after
    this.#onUntaken = options.onUntaken
    this.#onDrained = options.onDrained
    this.#retryMs = options.retryMs
  }

  get position(): number {
    return this.#position
  }

  /** Why it has ended; `gone` when the client went by itself. */
  get endedFor(): EventStreamEnd | 'gone' | undefined {
    return this.#ended
  }

  get hasEnded(): boolean {
    return this.#ended !== undefined
  }

  /** Whether a page may be written. */
  get isReady(): boolean {
    return this.#sink !== undefined && !this.hasEnded && !this.#isTaking && !this.isReading
  }

  /** Tells the position at once, so that a client whose connection breaks before the first event loses nothing. */
  begin(sink: StreamSink, nowMs: number): void {
    this.#sink = sink
    this.#write(retryMessage(this.#retryMs) + idMessage(this.#position, ' daybook'), nowMs)
    if (this.#ended !== undefined && this.#ended !== 'gone') sink.end(endMessage(this.#ended))
  }

  take({ bytes, position }: StreamPage, nowMs: number): void {
    this.#position = position
    if (!bytes) return
    this.#write(bytes, nowMs)
    if (this.#isTaking) this.#onUntaken(bytes)
  }

  /** What was written has been taken. */
  drained(): void {
    this.#isTaking = false
    this.#onDrained()
  }

  /** Tells that it lives, and how far it has come, where nothing was written for so long. */
  beat(nowMs: number, everyMs: number): void {
    if (this.#sink === undefined || this.hasEnded || this.#isTaking || nowMs - this.#wroteAtMs < everyMs) return
    this.#write(idMessage(this.#position), nowMs)
  }

  end(reason: EventStreamEnd): void {
    if (this.hasEnded) return
    this.#ended = reason
    this.#sink?.end(endMessage(reason))
  }

  /** Its connection is gone. */
  gone(): void {
    this.#ended ??= 'gone'
  }

  #write(bytes: Buffer | string, nowMs: number): void {
    this.#wroteAtMs = nowMs
    this.#isTaking = this.#sink?.write(bytes) === false
  }
}

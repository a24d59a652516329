import type { StreamListener } from './stream-listener.ts'

/**
 * Pages that wait for sockets which do not take them. A page is counted once, however many it was written to: they are
 * the same bytes in memory.
 */
export class UntakenPages {
  readonly #bytesMax: number
  /** In the order in which they began to wait. */
  readonly #pageOf = new Map<StreamListener, Buffer>()
  readonly #waitingFor = new Map<Buffer, number>()
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get bytes(): number {
    return this.#bytes
  }

  add(listener: StreamListener, page: Buffer): void {
    this.remove(listener)
    const before = this.#waitingFor.get(page) ?? 0
    if (before === 0) this.#bytes += page.byteLength
    this.#waitingFor.set(page, before + 1)
    this.#pageOf.set(listener, page)
  }

  /** It was taken, or the connection is gone. Safe to call when nothing waits. */
  remove(listener: StreamListener): void {
    const page = this.#pageOf.get(listener)
    if (!page) return
    this.#pageOf.delete(listener)
    const left = (this.#waitingFor.get(page) ?? 1) - 1
    if (left > 0) return void this.#waitingFor.set(page, left)
    this.#waitingFor.delete(page)
    this.#bytes -= page.byteLength
  }

  /**
   * Takes those out who have to go so that the rest is not too much: who has waited longest, and first of all who waits for
   * a page of their own, since the end of one of many who wait for the same frees nothing.
   */
  takeExcess(): readonly StreamListener[] {
    const excess: StreamListener[] = []
    for (const isOwn of [true, false]) {
      for (const [listener, page] of this.#pageOf) {
        if (this.#bytes <= this.#bytesMax) return excess
        if (isOwn && this.#waitingFor.get(page) !== 1) continue
        this.remove(listener)
        excess.push(listener)
      }
    }
    return excess
  }
}

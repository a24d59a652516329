import { ProblemError } from '../../lib/problems.ts'

/** Of all streams, what is kept for companies that have few. */
const KEPT_SHARE = 1 / 4

/**
 * Counts who listens. A company may take three quarters of what this process can give while others hardly listen; the last
 * quarter is for companies with few streams, so that none locks the others out.
 */
export class StreamAdmission {
  readonly #listenersMax: number
  readonly #listenersOfSmallMax: number
  readonly #byCompany = new Map<string, number>()
  #count = 0

  constructor(limits: { readonly listenersMax: number; readonly listenersOfSmallMax: number }) {
    this.#listenersMax = limits.listenersMax
    this.#listenersOfSmallMax = limits.listenersOfSmallMax
  }

  /** Throws too_many_streams or streams_full. */
  admit(companyId: string): void {
    const ofCompany = this.#byCompany.get(companyId) ?? 0
    if (this.#count >= this.#listenersMax) {
      throw new ProblemError('streams_full', `There are ${this.#listenersMax} open streams`)
    }
    const isScarce = this.#count >= Math.ceil(this.#listenersMax * (1 - KEPT_SHARE))
    if (isScarce && ofCompany >= this.#listenersOfSmallMax) {
      const message = `The company has ${ofCompany} open streams in this process, and what is left is for those with fewer than ${this.#listenersOfSmallMax}`
      throw new ProblemError('too_many_streams', message)
    }
    this.#byCompany.set(companyId, ofCompany + 1)
    this.#count++
  }

  dismiss(companyId: string): void {
    const left = (this.#byCompany.get(companyId) ?? 1) - 1
    if (left === 0) this.#byCompany.delete(companyId)
    else this.#byCompany.set(companyId, left)
    this.#count--
  }
}

import { ProblemError } from '../../lib/problems.ts'

/** Counts who listens, so that neither a company nor all of them take more than this process can give. */
export class StreamAdmission {
  readonly #listenersMax: number
  readonly #listenersOfCompanyMax: number
  readonly #byCompany = new Map<string, number>()
  #count = 0

  constructor(limits: { readonly listenersMax: number; readonly listenersOfCompanyMax: number }) {
    this.#listenersMax = limits.listenersMax
    this.#listenersOfCompanyMax = limits.listenersOfCompanyMax
  }

  /** Throws too_many_streams or streams_full. */
  admit(companyId: string): void {
    const ofCompany = this.#byCompany.get(companyId) ?? 0
    if (ofCompany >= this.#listenersOfCompanyMax) {
      const message = `The company has ${this.#listenersOfCompanyMax} open streams in this process`
      throw new ProblemError('too_many_streams', message)
    }
    if (this.#count >= this.#listenersMax) {
      throw new ProblemError('streams_full', `There are ${this.#listenersMax} open streams`)
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

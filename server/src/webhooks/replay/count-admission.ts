import { ProblemError } from '../../lib/problems.ts'

/** Each takes a connection again and again, and others need them too. */
const AT_ONCE_MAX = 4
const OF_COMPANY_MAX = 2

/** How many replays are counted at once in this process: a count takes seconds. */
export class CountAdmission {
  readonly #byCompany = new Map<string, number>()
  #count = 0

  /** Throws rate_limited. */
  async run<Result>(companyId: string, work: () => Promise<Result>): Promise<Result> {
    const ofCompany = this.#byCompany.get(companyId) ?? 0
    if (ofCompany >= OF_COMPANY_MAX || this.#count >= AT_ONCE_MAX) {
      throw new ProblemError(
        'rate_limited',
        'As many replays are being counted as may be at once; try again in a second',
      )
    }
    this.#byCompany.set(companyId, ofCompany + 1)
    this.#count++
    try {
      return await work()
    } finally {
      this.#count--
      const left = (this.#byCompany.get(companyId) ?? 1) - 1
      if (left === 0) this.#byCompany.delete(companyId)
      else this.#byCompany.set(companyId, left)
    }
  }
}

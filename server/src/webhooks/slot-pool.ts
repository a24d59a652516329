/**
 * A company may take slots while it holds at most this many times what is left free. So one alone gets three quarters of
 * all, and there is something left for who comes next (after Choudhury and Hahne's dynamic thresholds).
 */
const HELD_PER_FREE = 3

/** Slots that companies share fairly. Pure counting. */
export class SlotPool {
  readonly max: number
  readonly #usedByCompany = new Map<string, number>()
  #used = 0

  constructor(max: number) {
    this.max = max
  }

  get used(): number {
    return this.#used
  }

  usedBy(companyId: string): number {
    return this.#usedByCompany.get(companyId) ?? 0
  }

  /** How many slots the company may take now. */
  allowance(companyId: string): number {
    const free = this.max - this.#used
    const used = this.usedBy(companyId)
    // What it takes is no longer free: as many as keep the rule afterwards too. One is for anybody who holds none.
    const spare = Math.floor((HELD_PER_FREE * free - used) / (HELD_PER_FREE + 1))
    return Math.max(0, Math.min(free, Math.max(spare, used === 0 ? 1 : 0)))
  }

  /** Takes slots, or gives back a negative number of them. */
  count(companyId: string, slots: number): void {
    this.#used += slots
    const used = this.usedBy(companyId) + slots
    if (used > 0) this.#usedByCompany.set(companyId, used)
    else this.#usedByCompany.delete(companyId)
  }
}

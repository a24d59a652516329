import { RE2JS } from 're2js'

export interface LinearPattern {
  test(text: string): boolean
  /** Instructions of its program; what a character may cost grows with it. */
  readonly size: number
  /** It never has two ways to go on, so a character costs the same whatever the text is. */
  readonly isOnePass: boolean
  /**
   * How much is kept from one test to the next of the states that its automaton met, in bytes as RE2 counts them: 8 MiB when
   * nothing is said. During a test it may be that much all the same: with less the automaton is given up, and what comes
   * instead takes twenty times as long.
   */
  keepAtMost(bytes: number): void
  /** What it takes in memory now, estimated: its program and what is kept. */
  bytes(): number
}

/** Of RE2's program; a class of characters is a list of ranges. */
interface Instruction {
  readonly runes: ArrayLike<number> | null
}

/** Measured; a class as `\p{L}` has 1,400 bounds, and each repetition is written out. */
const INSTRUCTION_BYTES = 200
const BOUND_BYTES = 8

/**
 * A pattern as JSON Schema writes it, ECMA-262 with the `u` flag, on RE2: its time is linear in the length of the text. Throws
 * for what RE2 does not know: look-around, back-references, very large repetitions.
 */
export function compileLinearPattern(pattern: string): LinearPattern {
  const compiled = RE2JS.compile(RE2JS.translateRegExp(pattern))
  const { re2Input } = compiled
  // Only what has several ways to go on runs on the automaton, which is made when it is first looked at.
  const isOnePass = re2Input.onepass !== null
  const { inst }: { readonly inst: readonly Instruction[] } = re2Input.prog
  const programBytes = inst.reduce((sum, { runes }) => sum + INSTRUCTION_BYTES + BOUND_BYTES * (runes?.length ?? 0), 0)
  const kept = (): number => (isOnePass ? 0 : re2Input.dfa.stateBudget - re2Input.dfa.memBudget)
  let keptMax = Infinity
  return {
    test(text) {
      const matched = compiled.test(text)
      if (kept() > keptMax) re2Input.dfa.clearCache()
      return matched
    },
    size: compiled.programSize(),
    isOnePass,
    keepAtMost(bytes) {
      keptMax = bytes
    },
    bytes: () => programBytes + kept(),
  }
}

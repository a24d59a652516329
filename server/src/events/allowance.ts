/** What judging may take by schemas that companies wrote: for one payload, or for all that a request brings. */
export interface Allowance {
  stepsLeft: number
  /** Of the clock, spent on patterns. Where this ends depends on the machine: what comes after is not judged, not refused. */
  patternMsLeft: number
}

/** For one payload; deciding about a usual event takes a few hundred. */
export const STEPS_MAX = 2_700_000

/** As many payloads of a request may be the worst, however short they are. */
const WORST_PAYLOADS_MAX = 4

/**
 * Large payloads come in large requests, and together they are judged as each is alone: what a request may take grows with its
 * length, by what a payload of the largest size may take.
 */
const STEPS_PER_CHARACTER = 10

/** Ten times what the patterns take that the steps pay for, or a long pause of the machine. */
const PATTERN_MS_MAX = 500
const PATTERN_MS_PER_CHARACTER = 0.0001

/** @param characters of the JSON texts of all its payloads */
export function allowanceOfRequest(characters: number): Allowance {
  return {
    stepsLeft: WORST_PAYLOADS_MAX * STEPS_MAX + STEPS_PER_CHARACTER * characters,
    patternMsLeft: PATTERN_MS_MAX + PATTERN_MS_PER_CHARACTER * characters,
  }
}

/** For one payload after the other, where something else bounds the time: a thread with a deadline. */
export function allowanceWithoutEnd(): Allowance {
  return { stepsLeft: Infinity, patternMsLeft: Infinity }
}

/** Does something with so many steps of the allowance, or with what is left of them. What it leaves stays. */
export function spend<Result>(allowance: Allowance, steps: number, work: (part: Allowance) => Result): Result {
  const given = Math.max(0, Math.min(steps, allowance.stepsLeft))
  const part: Allowance = { stepsLeft: given, patternMsLeft: allowance.patternMsLeft }
  try {
    return work(part)
  } finally {
    allowance.stepsLeft -= given - part.stepsLeft
    allowance.patternMsLeft = part.patternMsLeft
  }
}

/**
 * What judging one event by one filter may cost: a purse of steps, filled before and paid from on the way, so that no
 * filter over any payload keeps routing waiting. A step takes between a few and fifty nanoseconds: a key that is followed, an
 * entry that is visited or asked, a few characters that are searched.
 *
 * Judging is synchronous, so one purse serves all.
 */
export const PURSE_STEPS = 250_000

let left = 0

/** Throws what {@link withinPurse} catches when the purse is empty. */
export function spend(steps: number): void {
  left -= steps
  if (left < 0) throw purseIsEmpty
}

/** The answer of `ask`, which is given a full purse; undefined where that was not enough. */
export function withinPurse<Asked, Answer>(ask: (asked: Asked) => Answer, asked: Asked): Answer | undefined {
  left = PURSE_STEPS
  try {
    return ask(asked)
  } catch (error) {
    if (error === purseIsEmpty) return undefined
    throw error
  }
}

/** Steps that were spent since the purse was filled; more than there were where it got empty. */
export function spentSteps(): number {
  return PURSE_STEPS - left
}

/** Made once: it is thrown where the time is short, and nobody reads its stack. */
const purseIsEmpty = new Error('The purse is empty')

/**
 * What was found of one thing that was looked at. `problem`: something is stuck, lost or will be; `warning`: worth a look, and
 * nothing is stuck for it.
 */
export interface Finding {
  readonly check: Check
  readonly level: 'ok' | 'warning' | 'problem'
  /** One line: what it is, and what to do. */
  readonly message: string
  /** One line each: which ones, and why. */
  readonly details: readonly string[]
}

/** Stable words, in the order in which they are shown. */
export type Check =
  | 'files'
  | 'disk'
  | 'configuration'
  | 'database'
  | 'durability'
  | 'migrations'
  | 'clock'
  | 'transactions'
  | 'partitions'
  | 'secrets'
  | 'leader'
  | 'router'
  | 'set_aside'
  | 'deliveries'
  | 'order'
  | 'subscriptions'

export const ok = (check: Check, message: string): Finding => ({ check, level: 'ok', message, details: [] })

export const warning = (check: Check, message: string, details: readonly string[] = []): Finding => ({
  check,
  level: 'warning',
  message,
  details,
})

export const problem = (check: Check, message: string, details: readonly string[] = []): Finding => ({
  check,
  level: 'problem',
  message,
  details,
})

/** `90 s`, `5 min`, `3 h`, `2 d`. */
export function duration(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} d`
}

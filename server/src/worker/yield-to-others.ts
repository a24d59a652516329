import { readlinkSync } from 'node:fs'
import { setPriority } from 'node:os'

/** Niceness of a thread whose work can wait a few milliseconds for that of others. */
const NICENESS = 5

/**
 * Lets other threads of this process go first when there are more of them ready than cores. Linux alone gives single threads
 * a priority; elsewhere, and where it is forbidden, nothing changes.
 */
export function yieldToOthers(): void {
  try {
    const thread = Number(readlinkSync('/proc/thread-self').split('/').at(-1))
    setPriority(thread, NICENESS)
  } catch {
    // It is a wish.
  }
}

/**
 * How long a delivery of a dead process stood still. Pure.
 *
 * Two times are added: from the fault to the end of the lease, and what nobody used afterwards. The second rests while the
 * delivery waits by design: its subscription is not active, or its breaker is open. It begins anew when the deliveries that
 * were due before it move on: claims take the longest due first and nothing is put before it, so a queue that moves comes to
 * it. What is left is time in which nobody took what could be taken, whatever other faults there were.
 */
export interface Wait {
  readonly sinceMs: number
  readonly lookedMs: number
  readonly leaseMs: number
  /** Without a reason, since the queue before it moved last. */
  readonly unusedMs: number
  readonly standstillMsMax: number
  readonly head: string | null
  /** In how many looks each reason was seen. */
  readonly seen: Readonly<Record<Reason, number>>
}

export type Reason = 'inactive' | 'breaker' | 'queue'

/** The subscription of a delivery at a moment. */
export interface Lane {
  readonly status: string
  /** No call may be made now, not even a probe. */
  readonly isOpen: boolean
  /** When the longest due became due, and how many did at that moment: changes when one of them is taken. Null: none is due. */
  readonly head: string | null
}

export function beginWait(atMs: number): Wait {
  const seen = { inactive: 0, breaker: 0, queue: 0 }
  return { sinceMs: atMs, lookedMs: atMs, leaseMs: 0, unusedMs: 0, standstillMsMax: 0, head: null, seen }
}

/** @param isDue its lease has run out */
export function look(before: Wait, lane: Lane, isDue: boolean, atMs: number): Wait {
  if (!isDue) return endWait({ ...before, leaseMs: before.leaseMs + atMs - before.lookedMs, lookedMs: atMs }, atMs)
  const reason = reasonOf(lane, before.head)
  const after = reason === 'inactive' || reason === 'breaker' ? { ...before, lookedMs: atMs } : endWait(before, atMs)
  return {
    ...after,
    head: lane.head,
    unusedMs: reason === 'queue' ? 0 : after.unusedMs,
    seen: reason ? { ...before.seen, [reason]: before.seen[reason] + 1 } : before.seen,
  }
}

/** Somebody took it since the last look. */
export function endWait(before: Wait, atMs: number): Wait {
  const unusedMs = before.unusedMs + atMs - before.lookedMs
  const standstillMsMax = Math.max(before.standstillMsMax, before.leaseMs + unusedMs)
  return { ...before, lookedMs: atMs, unusedMs, standstillMsMax }
}

function reasonOf(lane: Lane, headBefore: string | null): Reason | undefined {
  if (lane.status !== 'active' && lane.status !== 'deleted') return 'inactive'
  if (lane.status === 'active' && lane.isOpen) return 'breaker'
  return headBefore !== null && lane.head !== headBefore ? 'queue' : undefined
}

import type { Evidence, LedgerRow } from './evidence.ts'

const endings = new Set(['delivered', 'failed', 'cancelled'])

/** Clocks of the processes and of the database are one machine's; this much is rounding. */
const EARLY_MS_MAX = 60

/** The ledger in itself: numbers without gaps, one ending per schedule, nothing after an ending, nothing before its time. */
export function checkLedger({ database }: Evidence): { faults: string[] } {
  const faults: string[] = []
  const pending = new Set(database.pending.map(({ id }) => id))
  const retries = Map.groupBy(database.retries, (row) => row.delivery_id)
  for (const [id, rows] of Map.groupBy(database.ledger, (row) => row.delivery_id)) {
    const manual = retries.get(id) ?? []
    const begunAnew = manual.filter((retry) => retry.state_before !== 'pending').length
    const numbers = rows.map((row) => row.attempt_no).filter((number) => number > 0)
    if (!areDense(numbers)) faults.push(`delivery ${id}: attempts ${numbers.join(', ')}`)
    const ended = rows.filter((row) => endings.has(row.outcome)).length
    const expected = 1 + begunAnew - (pending.has(id) ? 1 : 0)
    if (ended !== expected) faults.push(`delivery ${id}: ${ended} endings instead of ${expected}: ${show(rows)}`)
    const odd = rows.find((row) => isSuccess(row) !== (row.outcome === 'delivered'))
    if (odd) faults.push(`delivery ${id}: the answer ${odd.response_status} is ${odd.outcome}`)
    const early = manual.length === 0 && rows.find((row, index) => isEarly(rows[index - 1], row))
    if (early) faults.push(`delivery ${id}: attempt ${early.attempt_no} was made before it was due: ${show(rows)}`)
    if (manual.length === 0 && rows.some((row, index) => index < rows.length - 1 && endings.has(row.outcome))) {
      faults.push(`delivery ${id}: goes on after its ending: ${show(rows)}`)
    }
  }
  return { faults }
}

function areDense(numbers: readonly number[]): boolean {
  return numbers.every((number, index) => number === index + 1)
}

function isSuccess({ response_status: status }: LedgerRow): boolean {
  return status !== null && status >= 200 && status <= 299
}

/** An attempt number 0 is an ending without a call, which may come at any time. */
function isEarly(before: LedgerRow | undefined, row: LedgerRow): boolean {
  if (!before || before.next_ms === null || row.attempt_no === 0 || row.reason === 'lease_expired') return false
  return row.started_ms < before.next_ms - EARLY_MS_MAX
}

function show(rows: readonly LedgerRow[]): string {
  return rows.map((row) => `${row.attempt_no} ${row.outcome}/${row.reason}`).join(', ')
}

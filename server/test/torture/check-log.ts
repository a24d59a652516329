import type { Evidence } from './evidence.ts'

/** The log: every acknowledged event once, with its bytes, under dense positions; and nothing that nobody published. */
export function checkLog({ publishes, database }: Evidence): {
  lost: string[]
  unexpected: string[]
  faults: string[]
} {
  const lost: string[] = []
  const unexpected: string[] = []
  const faults: string[] = []
  const numbered = new Map<string, number>()
  for (const [companyId, rows] of Map.groupBy(database.trail, (row) => row.company_id)) {
    const positions = rows.map(({ position }) => position).sort((a, b) => a - b)
    const gap = positions.findIndex((position, index) => position !== index + 1)
    if (gap >= 0) faults.push(`company ${companyId}: position ${gap + 1} is missing or given twice`)
    for (const { event_id: id, event_name: name, position } of rows) {
      if (numbered.has(id)) faults.push(`event ${id} has two positions`)
      numbered.set(id, position)
      const publish = publishes.get(id)
      if (name.startsWith('daybook.')) continue
      if (!publish) unexpected.push(`event ${id} is in the log and was never published`)
      else if (publish.companyId !== companyId) unexpected.push(`event ${id} is in the log of another company`)
      else if (publish.eventName !== name) faults.push(`event ${id} is called ${name} in the log`)
    }
  }
  const { outboxCount, fanOutCount } = database
  if (outboxCount + fanOutCount > 0) lost.push(`${outboxCount} events and ${fanOutCount} fan-outs were never routed`)
  const stored = new Map(database.payloads.map(({ id, payload }) => [id, payload]))
  for (const { id, payload, acknowledgedMs } of publishes.values()) {
    if (acknowledgedMs !== undefined && !numbered.has(id)) lost.push(`event ${id} was acknowledged and has no position`)
    const kept = stored.get(id)
    if (kept !== undefined && kept !== payload) faults.push(`event ${id}: other bytes are stored than were published`)
    if (acknowledgedMs !== undefined && kept === undefined) lost.push(`event ${id} was acknowledged and is not stored`)
  }
  return { lost, unexpected, faults }
}

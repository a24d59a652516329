import { statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import type { Actor, EntityRef } from './event.ts'

/**
 * An event as the interface shows it. It is put together from two places: the audit trail, which stays for ever, and
 * the log, whose rows go when their time is over. What only the log knew is then null or empty, and `payload_expired`
 * says why.
 */
export interface EventView {
  readonly id: string
  /** Null while `state` is recorded. */
  readonly position: number | null
  /** `recorded`: accepted, its position and its deliveries come within moments. `routed`: it has them. */
  readonly state: 'recorded' | 'routed'
  readonly event_name: string
  readonly definition_version: number | null
  readonly entity_type: string | null
  readonly entity_id: string | null
  readonly related: readonly EntityRef[]
  readonly actor: Actor | null
  readonly source: string | null
  readonly correlation_id: string | null
  readonly causation_id: string | null
  readonly occurred_at: string | null
  readonly recorded_at: string
  /** The leaf in hexadecimal. */
  readonly digest: string
  readonly payload_expired: boolean
  /**
   * The publisher's own JSON text. Not a member of the answer but the value of its member `payload`: {@link eventJson}.
   */
  readonly payload_text: string | null
}

/** The members of the answer, in their order. */
export const eventFields = [
  'id',
  'position',
  'state',
  'event_name',
  'definition_version',
  'entity_type',
  'entity_id',
  'related',
  'actor',
  'source',
  'correlation_id',
  'causation_id',
  'occurred_at',
  'recorded_at',
  'digest',
  'payload_expired',
  'payload',
] as const

export type EventField = (typeof eventFields)[number]

/** Some of them; undefined for all. */
export type ChosenFields = ReadonlySet<EventField> | undefined

/** The event as JSON, with the payload's own bytes as its last member; null when it has expired. */
export function eventJson({ payload_text: payload, ...members }: EventView, chosen?: ChosenFields): string {
  if (!chosen) return `${JSON.stringify(members).slice(0, -1)},"payload":${payload ?? 'null'}}`
  const parts = eventFields
    .filter((name) => chosen.has(name))
    .map((name) => `"${name}":${name === 'payload' ? (payload ?? 'null') : JSON.stringify(members[name])}`)
  return `{${parts.join(',')}}`
}

/** What the trail alone tells. The name of an actor is in the log only. */
const fieldsOfTrail: ReadonlySet<EventField> = new Set<EventField>([
  'id',
  'position',
  'state',
  'event_name',
  'entity_type',
  'entity_id',
  'source',
  'correlation_id',
  'recorded_at',
  'digest',
])

/** A row of event_audit_trail. */
export interface TrailRow {
  position: number
  event_id: string
  event_name: string
  entity_type: string | null
  entity_id: string | null
  actor_type: string | null
  actor_id: string | null
  source: string | null
  correlation_id: string | null
  recorded_at: Date
  digest: Buffer
}

/** A row of event_logs. */
interface StoredEvent extends Omit<TrailRow, 'position' | 'event_id'> {
  id: string
  definition_version: number | null
  related: EntityRef[] | null
  actor_name: string | null
  causation_id: string | null
  occurred_at: Date
  payload: string
}

/** An id that was asked for; all else is null when the log does not hold the event. */
type Answer = { wanted_id: string } & (StoredEvent | { id: null })

/**
 * One row for each id, but only for a beginning of the ids: as far as the payloads together stay below the limit, so
 * that a page of large ones does not fill the memory. The sizes are added up without reading the payloads.
 */
const readStored = statement<[companyId: string, ids: readonly string[], payloadBytesMax: number], Answer>(
  'event.read_stored',
  `select *
     from (
       select w.id as wanted_id, l.id, l.event_name, l.definition_version, l.entity_type, l.entity_id, l.related,
              l.actor_type, l.actor_id, l.actor_name, l.source, l.correlation_id, l.causation_id, l.occurred_at,
              l.recorded_at, l.payload, l.digest,
              coalesce(sum(octet_length(l.payload)) over (order by w.n), 0) as payload_bytes
         from unnest($2::uuid[]) with ordinality as w(id, n)
         left join event_logs l on l.company_id = $1 and l.id = w.id
     ) page
    where payload_bytes <= $3`,
)

/** More than any single payload has. */
const PAYLOAD_BYTES_MAX = 8 * 1024 * 1024

/**
 * The views of a beginning of `rows`, in their order: of all of them, unless the payloads are too large together. Where
 * the trail tells all that was chosen, the log is not read; what only the log knows is then missing in the views.
 */
export async function viewTrail(
  db: Db,
  companyId: string,
  rows: readonly TrailRow[],
  chosen?: ChosenFields,
): Promise<readonly EventView[]> {
  if (chosen && [...chosen].every((field) => fieldsOfTrail.has(field)))
    return rows.map((row) => toView(row, row.position))
  const ids = rows.map((row) => row.event_id)
  const answers = await readStored(db, companyId, ids, PAYLOAD_BYTES_MAX)
  const byId = new Map(answers.map((answer) => [answer.wanted_id, toStored(answer)]))
  return rows.slice(0, byId.size).map((row) => toView(byId.get(row.event_id) ?? row, row.position))
}

/** The view of one event, by its row of the trail, of the log or both; undefined when it has neither. */
export async function viewOne(
  db: Db,
  companyId: string,
  id: string,
  trail: TrailRow | undefined,
): Promise<EventView | undefined> {
  const [answer] = await readStored(db, companyId, [id], PAYLOAD_BYTES_MAX)
  const known = toStored(answer) ?? trail
  return known && toView(known, trail?.position ?? null)
}

function toStored(answer: Answer | undefined): StoredEvent | undefined {
  return answer && answer.id !== null ? answer : undefined
}

function toView(known: StoredEvent | TrailRow, position: number | null): EventView {
  const log = 'payload' in known ? known : undefined
  const { actor_type: type, actor_id: id } = known
  const name = log?.actor_name ?? undefined
  return {
    id: 'event_id' in known ? known.event_id : known.id,
    position,
    state: position === null ? 'recorded' : 'routed',
    event_name: known.event_name,
    definition_version: log?.definition_version ?? null,
    entity_type: known.entity_type,
    entity_id: known.entity_id,
    related: (log?.related ?? []).map(({ type, id }) => ({ type, id })),
    actor: type === null || id === null ? null : { type, id, ...(name !== undefined && { name }) },
    source: known.source,
    correlation_id: known.correlation_id,
    causation_id: log?.causation_id ?? null,
    occurred_at: log?.occurred_at.toISOString() ?? null,
    recorded_at: known.recorded_at.toISOString(),
    digest: known.digest.toString('hex'),
    payload_expired: log === undefined,
    payload_text: log?.payload ?? null,
  }
}

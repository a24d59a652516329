import { hash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { PAYLOAD_BYTES_MAX } from '../lib/definition-limits.ts'
import { eventDigest, newSalt } from '../lib/digest.ts'
import { canonicalUuid, checkEventId, newId } from '../lib/ids.ts'
import { ProblemError } from '../lib/problems.ts'
import type { Fault, ProblemCode } from '../lib/problems.ts'
import { parseRfc3339 } from '../lib/rfc3339.ts'
import { allowanceOfRequest } from './allowance.ts'
import type { Allowance } from './allowance.ts'
import type { PublishDefinition, PublishDefinitions } from './definitions.ts'
import { entitiesFromPayload } from './definitions.ts'
import type { Actor, EntityRef, NewEvent } from './event.ts'
import { headerOf } from './event.ts'
import { isEventName, isReservedEventName, nearestEventName } from './event-names.ts'

/** One event as a publisher sends it; the form of its members is checked, their meaning is not. */
export interface EventInput {
  readonly event_name: string
  readonly payload: unknown
  readonly entity_type?: string
  readonly entity_id?: string | number
  readonly related?: readonly { readonly type: string; readonly id: string | number }[]
  readonly id?: string
  readonly idempotency_key?: string
  readonly occurred_at?: string
  readonly actor?: { readonly type: string; readonly id: string | number; readonly name?: string }
  readonly source?: string
  readonly correlation_id?: string
  readonly causation_id?: string
}

export interface PrepareContext {
  readonly companyId: string
  /** What is in force for the names of the events. */
  readonly definitions: PublishDefinitions
  readonly allowUndeclared: boolean
  /** Who publishes, when the event does not say: the API key. */
  readonly defaultActor: Actor
  readonly nowMs: number
  /** The trace that the request is part of. */
  readonly traceParent?: string | undefined
}

export const BATCH_EVENTS_MAX = 1_000
export const RELATED_MAX = 16
const FUTURE_MS_MAX = 5 * 60_000

/** After so long others have their turn: a batch of the largest payloads takes seconds. */
const TURN_MS = 10

/** To find the name that was meant, all names are looked at. */
const HINTS_MAX = 5

/** A fault whose code is also the code of the answer when it comes first. */
type EventFault = Fault & { readonly code: string; readonly problem: ProblemCode }

/** What the events of one request may still take. */
interface Rest {
  readonly allowance: Allowance
  hints: number
}

/**
 * Checks events and makes them ready to be written: ids and times filled in, entities taken from the payload where the
 * definition says how, digests computed. Throws one problem with all faults of all events, each with its JSON pointer
 * below `pointer(index)`; the problem's code is that of the first fault. Or throws `too_busy`, see {@link Allowance}.
 *
 * @param texts the JSON text of each event's payload, in order, as it stood in the request
 */
export async function prepareEvents(
  context: PrepareContext,
  inputs: readonly EventInput[],
  texts: readonly string[],
  pointer: (index: number) => string,
): Promise<readonly NewEvent[]> {
  const rest = restOf(texts)
  const faults: EventFault[] = []
  const events: NewEvent[] = []
  let turnBeganAt = performance.now()
  for (const [index, input] of inputs.entries()) {
    const own = prepareEvent(context, input, texts[index] ?? '', rest)
    for (const fault of own.faults) faults.push({ ...fault, pointer: pointer(index) + fault.pointer })
    events.push(own.event)
    if (index + 1 === inputs.length || performance.now() - turnBeganAt < TURN_MS) continue
    await nextTurn()
    turnBeganAt = performance.now()
  }
  faults.push(...repeatedNames(events, pointer))
  const [first] = faults
  if (first) {
    const more = faults.length > 1 ? ` (and ${faults.length - 1} more, see errors)` : ''
    const listed = faults.slice(0, FAULTS_LISTED_MAX).map(({ pointer, code, message }) => ({ pointer, code, message }))
    throw new ProblemError(first.problem, `${first.pointer || 'The event'}: ${first.message}${more}`, listed)
  }
  return events
}

const FAULTS_LISTED_MAX = 100

function restOf(texts: readonly string[]): Rest {
  return { allowance: allowanceOfRequest(texts.reduce((sum, text) => sum + text.length, 0)), hints: HINTS_MAX }
}

/** Without a problem: the faults are given beside what was made of the event all the same. */
export function prepareEvent(
  context: PrepareContext,
  input: EventInput,
  payload: string,
  rest: Rest = restOf([payload]),
): { event: NewEvent; faults: readonly EventFault[] } {
  const faults: EventFault[] = []
  const fault = (problem: ProblemCode, at: string, message: string, code: string = problem): void => {
    faults.push({ problem, pointer: at, code, message })
  }

  const definition = checkName(context, input.event_name, rest, fault)
  if (Buffer.byteLength(payload) > PAYLOAD_BYTES_MAX) {
    fault('payload_too_large', '/payload', `The payload is larger than ${PAYLOAD_BYTES_MAX} bytes`)
  } else if (definition) {
    for (const { pointer, code, message } of definition.validate(input.payload, rest.allowance)) {
      fault('schema_violation', `/payload${pointer}`, message, code)
    }
  }

  const id = checkId(context, input.id, fault)
  const occurredAt = checkOccurredAt(context, input.occurred_at, fault)
  const { entity, related } = checkEntities(input, definition, fault)
  const actor = input.actor && { ...input.actor, id: String(input.actor.id) }

  const draft = {
    companyId: context.companyId,
    id,
    eventName: input.event_name,
    definitionVersion: definition?.version ?? null,
    entity,
    related,
    actor: actor ?? context.defaultActor,
    source: input.source,
    correlationId: input.correlation_id,
    causationId: input.causation_id,
    occurredAt,
    recordedAt: new Date(context.nowMs).toISOString(),
    payload,
    idempotencyKey: input.idempotency_key,
    traceParent: context.traceParent,
  }
  const salt = newSalt()
  const digest = faults.length > 0 ? salt : eventDigest(headerOf(draft), salt, payload)
  return { event: { ...draft, salt, digest, contentDigest: contentDigest(input, payload) }, faults }
}

type Report = (problem: ProblemCode, pointer: string, message: string, code?: string) => void

function checkName(context: PrepareContext, name: string, rest: Rest, fault: Report): PublishDefinition | undefined {
  if (!isEventName(name)) {
    fault(
      'invalid_event_name',
      '/event_name',
      'One to six dotted segments of a-z, 0-9, _ and -, at most 128 characters',
    )
    return undefined
  }
  if (isReservedEventName(name)) {
    fault('reserved_event_name', '/event_name', 'Names that begin with daybook. are written by Daybook alone')
    return undefined
  }
  const definition = context.definitions.get(name)
  const notInForce = definition ? undefined : context.definitions.notInForce?.(name)
  if (notInForce === 'archived') {
    fault('definition_archived', '/event_name', `The definition of ${name} is archived`)
  } else if (notInForce === 'draft' && !context.allowUndeclared) {
    fault('unknown_event_name', '/event_name', `The definition of ${name} is a draft; make it active first`)
  } else if (!definition && !context.allowUndeclared) {
    const nearest = rest.hints-- > 0 ? nearestEventName(name, context.definitions.names()) : undefined
    fault(
      'unknown_event_name',
      '/event_name',
      `No definition is named ${name}${nearest ? `; did you mean ${nearest}?` : ''}`,
    )
  }
  return definition
}

function checkId(context: PrepareContext, given: string | undefined, fault: Report): string {
  if (given === undefined) return newId(context.nowMs)
  const id = canonicalUuid(given)
  const verdict = id === undefined ? 'not_v7' : checkEventId(id, context.nowMs)
  if (verdict === 'ok' && id !== undefined) return id
  fault('invalid_event_id', '/id', idMessages[verdict === 'ok' ? 'not_v7' : verdict], `id_${verdict}`)
  return given
}

const idMessages = {
  not_v7: 'An event id is a UUID of version 7',
  too_old: 'The id is dated more than 30 days ago',
  too_new: 'The id is dated more than 5 minutes ahead',
} as const

function checkOccurredAt(context: PrepareContext, given: string | undefined, fault: Report): string {
  if (given === undefined) return new Date(context.nowMs).toISOString()
  const ms = parseRfc3339(given)
  if (ms === undefined) {
    fault('invalid_time', '/occurred_at', 'A time is written as in RFC 3339, with an offset: 2026-03-01T09:30:00+01:00')
  } else if (ms < 0 || ms > context.nowMs + FUTURE_MS_MAX) {
    fault('invalid_time', '/occurred_at', 'A time lies after 1970 and at most 5 minutes ahead')
  } else {
    return new Date(ms).toISOString()
  }
  return given
}

function checkEntities(
  input: EventInput,
  definition: PublishDefinition | undefined,
  fault: Report,
): { entity: EntityRef | undefined; related: readonly EntityRef[] } {
  const fromPayload = definition ? entitiesFromPayload(definition, input.payload) : { related: [] }
  if ((input.entity_type === undefined) !== (input.entity_id === undefined)) {
    const missing = input.entity_type === undefined ? 'entity_type' : 'entity_id'
    fault('invalid_entity', `/${missing}`, 'entity_type and entity_id come together')
  }
  const entity =
    input.entity_type !== undefined && input.entity_id !== undefined
      ? { type: input.entity_type, id: String(input.entity_id) }
      : fromPayload.entity
  const given = input.related?.map(({ type, id }) => ({ type, id: String(id) })) ?? fromPayload.related
  if (given.length > RELATED_MAX) {
    fault('too_many_related', '/related', `An event names at most ${RELATED_MAX} related entities`)
  }
  return { entity, related: distinct(given, entity) }
}

/** Without repetitions and without the entity itself; the order stays. */
function distinct(related: readonly EntityRef[], entity: EntityRef | undefined): readonly EntityRef[] {
  if (related.length === 0) return related
  const isSame = (a: EntityRef, b: EntityRef): boolean => a.type === b.type && a.id === b.id
  return related.filter(
    (one, index) => !(entity && isSame(one, entity)) && related.findIndex((other) => isSame(one, other)) === index,
  )
}

/** SHA-256 over what the publisher sent, but for id and idempotency key; the payload as bytes. */
function contentDigest(input: EventInput, payload: string): Buffer {
  const { event_name, entity_type, entity_id, related, occurred_at, actor, source, correlation_id, causation_id } =
    input
  const sent = JSON.stringify([
    event_name,
    entity_type ?? null,
    entity_id === undefined ? null : String(entity_id),
    related?.map(({ type, id }) => [type, String(id)]) ?? null,
    occurred_at ?? null,
    actor ? [actor.type, String(actor.id), actor.name ?? null] : null,
    source ?? null,
    correlation_id ?? null,
    causation_id ?? null,
  ])
  return hash('sha256', `${sent}\n${payload}`, 'buffer')
}

/** The same id or idempotency key twice in one batch: which of the two should be the first? */
function repeatedNames(events: readonly NewEvent[], pointer: (index: number) => string): EventFault[] {
  if (events.length < 2) return []
  const faults: EventFault[] = []
  const seen = new Set<string>()
  for (const [index, { id, idempotencyKey }] of events.entries()) {
    for (const [member, value] of [['id', id] as const, ['idempotency_key', idempotencyKey] as const]) {
      if (value === undefined) continue
      const name = `${member} ${value}`
      if (seen.has(name)) {
        const at = `${pointer(index)}/${member}`
        const message = `Another event of the batch has the same ${member}`
        faults.push({ problem: 'duplicate_event', pointer: at, code: 'duplicate_event', message })
      }
      seen.add(name)
    }
  }
  return faults
}

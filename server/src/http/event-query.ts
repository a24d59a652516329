/** What the routes about history make of their queries. */
import { Type } from 'typebox'
import type { Static } from 'typebox'
import { eventQuery, fieldsQuery, streamQuery, trailQuery } from '../contract/event.ts'
import { timeQuery } from '../contract/page.ts'
import type { EventFilter } from '../events/event-conditions.ts'
import type { ChosenFields, EventField } from '../events/event-view.ts'
import { eventFields } from '../events/event-view.ts'
import type { NamedTests } from '../events/list-events.ts'
import type { StreamSelection } from '../events/stream/stream-selection.ts'
import { compileFilter } from '../lib/filter/compile-filter.ts'
import { parseJsonBody } from '../lib/json-text.ts'
import type { Fault, ProblemCode } from '../lib/problems.ts'
import { ProblemError } from '../lib/problems.ts'
import { byDelivery } from '../webhooks/events-by-delivery.ts'
import { timeRangeOf } from './time-range-query.ts'

const TrailQuery = Type.Object({ ...timeQuery, ...trailQuery })
const EventQuery = Type.Object(eventQuery)
const FieldsQuery = Type.Object(fieldsQuery)
const StreamQuery = Type.Object({ ...streamQuery, ...fieldsQuery })

/** What a query for events may be refused with. */
export const trailQueryProblems = [
  'invalid_request',
  'invalid_event_name',
  'invalid_entity',
  'invalid_time',
] as const satisfies readonly ProblemCode[]

export function eventFilterOf(query: Static<typeof TrailQuery>, nowMs: number): EventFilter {
  return {
    ...timeRangeOf(query, nowMs),
    event_names: namesOf(query),
    entity: pair('entity', query.entity_type, query.entity_id),
    include_related: query.include_related,
    related: pair('related', query.related_type, query.related_id),
    actor: pair('actor', query.actor_type, query.actor_id),
    source: query.source,
    correlation_id: query.correlation_id,
  }
}

/** They may come in several parameters and by commas in each; each is compared with the names of many events. */
const EVENT_NAMES_MAX = 100

function namesOf({ event_names: given }: Static<typeof TrailQuery>): EventFilter['event_names'] {
  const names = given?.flatMap((text) => text.split(','))
  if ((names?.length ?? 0) <= EVENT_NAMES_MAX) return names
  const message = `${EVENT_NAMES_MAX} names at most`
  const fault = { pointer: '/event_names', code: 'maxItems', message }
  throw new ProblemError('invalid_request', `The query at /event_names: ${message}`, [fault])
}

export function eventTestsOf({ filter, delivery }: Static<typeof EventQuery>): NamedTests {
  return {
    ...(filter !== undefined && { filter: compile(filter) }),
    ...(delivery !== undefined && { outside: byDelivery(delivery) }),
    names: [filter, delivery],
  }
}

export function streamSelectionOf(query: Static<typeof StreamQuery>): StreamSelection {
  const { from: _from, to: _to, ...filter } = eventFilterOf(query, 0)
  const { names: _names, ...tests } = eventTestsOf(query)
  const fields = chosenFieldsOf(query)
  return { key: JSON.stringify([filter, query.filter, fields && [...fields]]), filter, tests, fields }
}

/** Throws invalid_filter with every fault of the filter, below `/filter`. */
function compile(text: string): NonNullable<NamedTests['filter']> {
  const compiled = compileFilter(parse(text))
  if (compiled.ok) return compiled
  throw invalidFilter(compiled.faults)
}

function parse(text: string): unknown {
  try {
    return parseJsonBody(Buffer.from(text)).value
  } catch (error) {
    throw error instanceof ProblemError ? invalidFilter(error.faults) : error
  }
}

function invalidFilter(faults: readonly Fault[]): ProblemError {
  const placed = faults.map((fault) => ({ ...fault, pointer: `/filter${fault.pointer}` }))
  return new ProblemError('invalid_filter', `${placed[0]?.pointer}: ${placed[0]?.message}`, placed)
}

export function chosenFieldsOf({ fields }: Static<typeof FieldsQuery>): ChosenFields {
  const names = fields?.flatMap((text) => text.split(','))
  const wrong = names?.find((name) => !isField(name))
  if (wrong === undefined) return names && new Set(names.filter(isField))
  const message = `The members of an event are ${eventFields.join(', ')}`
  const fault = { pointer: '/fields', code: 'enum', message }
  throw new ProblemError('invalid_request', `The query at /fields: ${message}`, [fault])
}

function isField(name: string): name is EventField {
  return eventFields.some((field) => field === name)
}

function pair(
  noun: string,
  type: string | undefined,
  id: string | undefined,
): { type: string; id: string } | undefined {
  if (type !== undefined && id !== undefined) return { type, id }
  if (type === undefined && id === undefined) return undefined
  const message = `${noun}_type and ${noun}_id come together`
  const pointer = `/${noun}_${type === undefined ? 'type' : 'id'}`
  throw new ProblemError('invalid_entity', `${pointer}: ${message}`, [{ pointer, code: 'invalid_entity', message }])
}

import { EXAMPLES_MAX, PAYLOAD_BYTES_MAX } from '../../lib/definition-limits.ts'
import { isEventName, isReservedEventName } from '../event-names.ts'
import { isSchemaObject, member } from '../schema-node.ts'
import { dataOfExample, findEnvelopeData } from './envelope.ts'
import { eventNameOf } from './event-name-of.ts'
import { extractSchema } from './extract-schema.ts'
import type { ImportedDefinition } from './imported-definition.ts'
import type { Dialect } from './modern-members.ts'
import { addFault, addWarning, below, listOf } from './reading.ts'
import type { Place, Reading } from './reading.ts'

const DEFINITIONS_MAX = 500
const TITLE_LENGTH_MAX = 100
const DESCRIPTION_LENGTH_MAX = 5_000

/** A webhook or a message: what a document says of an event. */
export interface Described {
  /** Its name in the document, and the place that has it. */
  readonly name: string
  readonly place: Place
  /** `x-event-name`, which stands instead of the name as it is. */
  readonly givenName: unknown
  readonly schema: Place
  readonly dialect: Dialect
  readonly title: string | undefined
  readonly description: string | undefined
  readonly tags: readonly unknown[]
  readonly examples: readonly unknown[]
}

/** Adds the definition, or the faults that keep it from being one. What was added from the same place is left alone. */
export function addDescribed(reading: Reading, described: Described): void {
  const { place, schema } = described
  const eventName = nameOf(reading, described)
  if (eventName === undefined || !claimName(reading, eventName, place.pointer)) return
  const data = findEnvelopeData(reading, schema)
  const extracted = extractSchema(reading, data ?? [schema], described.dialect)
  if (extracted === undefined) return
  const own = member(extracted, 'title')
  const title = cut(reading, place, described.title ?? (typeof own === 'string' ? own : ''), TITLE_LENGTH_MAX)
  const description = cut(reading, place, described.description ?? '', DESCRIPTION_LENGTH_MAX)
  const given = data ? described.examples.map(dataOfExample) : described.examples
  const examples = given.length > 0 ? given : listOf(member(extracted, 'examples'))
  const tags = tagsOf(reading, place, described.tags)
  const definition: ImportedDefinition = {
    eventName,
    pointer: place.pointer,
    ...(title !== '' && { title }),
    ...(description !== '' && { description }),
    ...(tags.length > 0 && { tags }),
    schema: extracted,
    ...(examples.length > 0 && { examples: usableExamples(reading, place, examples) }),
  }
  reading.definitions.push(definition)
}

function nameOf(reading: Reading, { name, givenName, place }: Described): string | undefined {
  if (givenName !== undefined && typeof givenName !== 'string') {
    addFault(reading, below(place, 'x-event-name').pointer, 'invalid_event_name', 'x-event-name must be a text')
    return undefined
  }
  const eventName = givenName === undefined ? eventNameOf(name) : givenName
  if (eventName !== undefined && isEventName(eventName)) return eventName
  const message =
    'Has no event name: 1 to 6 dotted segments of a-z, 0-9, _ and -, 128 characters; x-event-name can give one'
  addFault(reading, place.pointer, 'invalid_event_name', message)
  return undefined
}

/**
 * False if the definition is not to be added: the name is reserved, there are too many, it was added before, or another
 * place has the name. Two that come to one name are never merged.
 */
export function claimName(reading: Reading, eventName: string, pointer: string): boolean {
  const known = reading.origins.get(eventName)
  if (known === pointer) return false
  if (known !== undefined) {
    addFault(reading, pointer, 'name_collision', `Has the event name ${eventName}, which ${known} has too`)
  } else if (isReservedEventName(eventName)) {
    addFault(reading, pointer, 'reserved_event_name', `${eventName}: names that begin with daybook. are reserved`)
  } else if (reading.origins.size === DEFINITIONS_MAX) {
    addFault(reading, pointer, 'too_many_definitions', `More than ${DEFINITIONS_MAX} definitions; this one is left out`)
  } else {
    reading.origins.set(eventName, pointer)
    return true
  }
  return false
}

function cut(reading: Reading, { pointer }: Place, text: string, lengthMax: number): string {
  if (text.length <= lengthMax) return text
  addWarning(reading, pointer, 'text_cut', `Its title or description is cut to ${lengthMax} characters`)
  return `${text
    .slice(0, lengthMax - 1)
    .toWellFormed()
    .trimEnd()}…`
}

const TAGS_MAX = 20
const TAG_LENGTH_MAX = 50

/** Texts, or objects with a name, in the form that tags have here. */
function tagsOf(reading: Reading, place: Place, given: readonly unknown[]): readonly string[] {
  const tags = new Set<string>()
  for (const one of given) {
    const text = isSchemaObject(one) ? member(one, 'name') : one
    const tag = typeof text === 'string' ? tagOf(text) : ''
    if (tag !== '' && tag.length <= TAG_LENGTH_MAX && tags.size < TAGS_MAX) tags.add(tag)
    else addWarning(reading, place.pointer, 'tag_left_out', 'One of its tags cannot be one here, or is one too many')
  }
  return [...tags]
}

function tagOf(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')
}

/** Of all definitions of a document together. */
const HELD_EXAMPLES_MAX = 16_777_216

function usableExamples(reading: Reading, { pointer }: Place, examples: readonly unknown[]): readonly unknown[] {
  const usable = examples.slice(0, EXAMPLES_MAX).filter((one) => {
    if (one === undefined || reading.held.examples > HELD_EXAMPLES_MAX) return false
    const bytes = Buffer.byteLength(JSON.stringify(one))
    reading.held.examples += bytes
    return bytes <= PAYLOAD_BYTES_MAX
  })
  if (usable.length < examples.length) {
    const message = `At most ${EXAMPLES_MAX} examples of ${PAYLOAD_BYTES_MAX} bytes each are kept; others are left out`
    addWarning(reading, pointer, 'example_left_out', message)
  }
  return usable
}

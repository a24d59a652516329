import { escapePointerToken } from '../../lib/json-pointer.ts'
import { SCHEMA_BYTES_MAX } from '../schema-limits.ts'
import { isSchemaObject, member } from '../schema-node.ts'
import { modernMembers } from './modern-members.ts'
import type { Dialect, Member } from './modern-members.ts'
import { addFault, follow, itemsOf, lookUp, membersOf } from './reading.ts'
import type { Place, Reading } from './reading.ts'

/** More than any schema that will be accepted has. What the references lead to is counted once. */
const SCHEMAS_MAX = 2_000
const VALUES_MAX = 20_000
const TEXT_MAX = SCHEMA_BYTES_MAX

/** Of all definitions of a document together. */
const HELD_VALUES_MAX = 2_000_000
const HELD_TEXT_MAX = 16_777_216

/** How schemas lie below a keyword of JSON Schema 2020-12. All other keywords hold data. */
const oneBelow = new Set([
  'additionalProperties',
  'contains',
  'contentSchema',
  'else',
  'if',
  'items',
  'not',
  'propertyNames',
  'then',
  'unevaluatedItems',
  'unevaluatedProperties',
])
const listBelow = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems'])
const mapBelow = new Set(['dependentSchemas', 'patternProperties', 'properties'])

class TooLarge extends Error {}

interface Extraction {
  readonly reading: Reading
  readonly dialect: Dialect
  /** By pointer into the document, the reference that leads there in the result. */
  readonly references: Map<string, string>
  readonly names: Set<string>
  /** What is referred to and not yet copied. */
  readonly open: { readonly name: string; readonly place: Place }[]
  schemas: number
  values: number
  text: number
}

/**
 * The schema of a place of the document as one that stands for itself, in JSON Schema 2020-12: what it refers to is copied
 * below `$defs`, each once, and a schema that contains itself goes on doing so. Several places become an `allOf`. Undefined,
 * with faults, if it is too large or something in it cannot be expressed.
 */
export function extractSchema(reading: Reading, places: readonly Place[], dialect: Dialect): unknown {
  const faultsBefore = reading.faults.length
  const extraction: Extraction = {
    reading,
    dialect,
    references: new Map(),
    names: new Set(),
    open: [],
    schemas: 0,
    values: 0,
    text: 0,
  }
  try {
    const root = extractRoot(extraction, places)
    const definitions: [string, unknown][] = []
    for (let next = extraction.open.shift(); next; next = extraction.open.shift()) {
      definitions.push([next.name, copySchema(extraction, next.place, false)])
    }
    if (reading.faults.length > faultsBefore) return undefined
    if (definitions.length === 0) return root
    const members = isSchemaObject(root) ? root : { allOf: [root] }
    return { ...members, $defs: Object.fromEntries(definitions) }
  } catch (error) {
    if (!(error instanceof TooLarge)) throw error
    addFault(
      reading,
      places[0]?.pointer ?? '',
      'schema_too_large',
      'Is too large for a definition, references followed',
    )
    return undefined
  }
}

function extractRoot(extraction: Extraction, places: readonly Place[]): unknown {
  const [first, ...more] = places
  if (!first) return true
  if (more.length > 0) return { allOf: places.map((place) => copySchema(extraction, place, false)) }
  // A root that is a reference and nothing else is what it leads to.
  const isReference = isSchemaObject(first.value) && Object.keys(first.value).join() === '$ref'
  const root = isReference ? follow(extraction.reading, first) : first
  if (!root) return true
  extraction.references.set(root.pointer, '#')
  return copySchema(extraction, root, false)
}

function copySchema(extraction: Extraction, place: Place, isIdentified: boolean): unknown {
  if (++extraction.schemas > SCHEMAS_MAX) throw new TooLarge()
  count(extraction, 1, 0)
  if (typeof place.value === 'boolean') return place.value
  if (!isSchemaObject(place.value)) {
    addFault(
      extraction.reading,
      place.pointer,
      'invalid_schema',
      'Is no schema: a schema is an object, or true or false',
    )
    return true
  }
  // A reference below an identifier is relative to that and not to the document.
  const isBelowIdentifier = isIdentified || typeof member(place.value, '$id') === 'string'
  const copied = modernMembers(extraction.reading, place, extraction.dialect).map(
    (member) => [member.keyword, copyMember(extraction, member, isBelowIdentifier)] as const,
  )
  return Object.fromEntries(copied)
}

function copyMember(extraction: Extraction, { keyword, place }: Member, isIdentified: boolean): unknown {
  const copy = (one: Place): unknown => copySchema(extraction, one, isIdentified)
  if (keyword === '$ref') return copyReference(extraction, place, isIdentified)
  if (oneBelow.has(keyword)) return copy(place)
  if (listBelow.has(keyword) && Array.isArray(place.value)) return itemsOf(place).map(copy)
  if (mapBelow.has(keyword) && isSchemaObject(place.value)) {
    return Object.fromEntries(membersOf(place).map(([name, member]) => [name, copy(member)] as const))
  }
  return copyData(extraction, place.value)
}

function copyReference(extraction: Extraction, { value, pointer }: Place, isIdentified: boolean): unknown {
  const { reading, references, names, open } = extraction
  if (typeof value !== 'string') {
    addFault(reading, pointer, 'invalid_schema', 'Is no reference: a reference is a text')
    return '#'
  }
  if (isIdentified) {
    addFault(reading, pointer, 'unsupported_reference', 'Is relative to the $id above it')
    return '#'
  }
  const target = lookUp(reading, value, pointer)
  if (!target) return '#'
  const known = references.get(target.pointer)
  if (known !== undefined) return known
  const name = freeName(names, target.pointer.slice(target.pointer.lastIndexOf('/') + 1))
  const reference = `#/$defs/${escapePointerToken(name)}`
  references.set(target.pointer, reference)
  open.push({ name, place: target })
  return reference
}

/** The last word of the pointer, numbered if it was given out; without what would have to be escaped. */
function freeName(names: Set<string>, wanted: string): string {
  const word = wanted.replaceAll(/[^A-Za-z0-9_.-]+/g, '_').slice(0, 100) || 'schema'
  let name = word
  for (let number = 2; names.has(name); number++) name = `${word}_${number}`
  names.add(name)
  return name
}

/** A copy, so that what many definitions share is counted for each. */
function copyData(extraction: Extraction, value: unknown): unknown {
  count(extraction, 1, typeof value === 'string' ? value.length : 0)
  if (Array.isArray(value)) return value.map((item) => copyData(extraction, item))
  if (!isSchemaObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => {
      count(extraction, 0, key.length)
      return [key, copyData(extraction, member)] as const
    }),
  )
}

function count(extraction: Extraction, values: number, text: number): void {
  const { held } = extraction.reading
  extraction.values += values
  extraction.text += text
  held.values += values
  held.text += text
  if (extraction.values > VALUES_MAX || extraction.text > TEXT_MAX) throw new TooLarge()
  if (held.values > HELD_VALUES_MAX || held.text > HELD_TEXT_MAX) throw new TooLarge()
}

import { escapePointerToken, parsePointerFragment, valueAt } from '../../lib/json-pointer.ts'
import type { Fault } from '../../lib/problems.ts'
import { isSchemaObject, member } from '../schema-node.ts'
import type { ImportedDefinition } from './imported-definition.ts'

/** A value of the document and where it stands. */
export interface Place {
  readonly value: unknown
  readonly pointer: string
}

/** A document while it is read: what was found in it so far. */
export interface Reading {
  readonly document: unknown
  readonly definitions: ImportedDefinition[]
  readonly faults: Fault[]
  readonly warnings: Fault[]
  /** By event name, where the definition comes from: the same place may be reached in several ways. */
  readonly origins: Map<string, string>
  /** What the definitions hold together: a large part that all of them share is counted for each. */
  readonly held: { values: number; text: number; examples: number }
}

const LISTED_MAX = 500

/** There are so many faults that nobody reads on. */
export class TooManyFaults extends Error {}

export function startReading(document: unknown): Reading {
  return {
    document,
    definitions: [],
    faults: [],
    warnings: [],
    origins: new Map(),
    held: { values: 0, text: 0, examples: 0 },
  }
}

/** Throws {@link TooManyFaults}, which ends the reading, when there are too many. */
export function addFault(reading: Reading, pointer: string, code: string, message: string): void {
  reading.faults.push({ pointer, code, message })
  if (reading.faults.length === LISTED_MAX) throw new TooManyFaults()
}

/** Further warnings are not listed. */
export function addWarning(reading: Reading, pointer: string, code: string, message: string): void {
  if (reading.warnings.length < LISTED_MAX) reading.warnings.push({ pointer, code, message })
}

export function textOf(value: unknown, key: string): string | undefined {
  const text = member(value, key)
  return typeof text === 'string' && text.trim() !== '' ? text : undefined
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

export function below({ value, pointer }: Place, key: string): Place {
  return { value: member(value, key), pointer: `${pointer}/${escapePointerToken(key)}` }
}

/** The members of an object with their places; none if it is no object. */
export function membersOf(place: Place): readonly (readonly [key: string, member: Place])[] {
  return isSchemaObject(place.value) ? Object.keys(place.value).map((key) => [key, below(place, key)] as const) : []
}

export function itemsOf({ value, pointer }: Place): readonly Place[] {
  return listOf(value).map((item, index) => ({ value: item, pointer: `${pointer}/${index}` }))
}

/** Chains of references are followed so far. */
const HOPS_MAX = 32

/** The place that a reference object leads to, the place itself if it is none. Undefined, and a fault, if it leads nowhere. */
export function follow(reading: Reading, from: Place): Place | undefined {
  let place = from
  for (let hops = 0; hops < HOPS_MAX; hops++) {
    const reference = member(place.value, '$ref')
    if (typeof reference !== 'string') return place
    const target = lookUp(reading, reference, below(place, '$ref').pointer)
    if (!target) return undefined
    place = target
  }
  addFault(reading, below(from, '$ref').pointer, 'circular_reference', 'Leads to itself')
  return undefined
}

/**
 * What a reference names within the document. Nothing is ever fetched: a reference to a file or a URL is a fault, as is one
 * that leads to nothing.
 */
export function lookUp(reading: Reading, reference: string, pointer: string): Place | undefined {
  if (!reference.startsWith('#')) {
    addFault(reading, pointer, 'remote_reference', 'Leads out of the document; references within it are followed only')
    return undefined
  }
  const tokens = parsePointerFragment(reference)
  if (!tokens) {
    addFault(reading, pointer, 'unsupported_reference', 'Is not "#/" and a JSON pointer into the document')
    return undefined
  }
  const value = valueAt(reading.document, tokens)
  if (value === undefined) {
    addFault(reading, pointer, 'unresolved_reference', 'Leads to nothing in the document')
    return undefined
  }
  return { value, pointer: tokens.map((token) => `/${escapePointerToken(token)}`).join('') }
}

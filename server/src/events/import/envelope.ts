import { isSchemaObject, member } from '../schema-node.ts'
import { addWarning, follow, itemsOf, membersOf, below } from './reading.ts'
import type { Place, Reading } from './reading.ts'

/** The bodies in which events are posted: their members, and which of them tell what it is. */
const envelopes = [
  {
    // Daybook, a superset of Standard Webhooks 1.0 ("Payload structure").
    needed: ['type', 'timestamp', 'data'],
    known: new Set(['type', 'timestamp', 'data', 'id', 'position', 'entity', 'related']),
  },
  {
    // CloudEvents 1.0, JSON format.
    needed: ['specversion', 'type', 'source', 'id', 'data'],
    known: new Set([
      'specversion',
      'type',
      'source',
      'id',
      'data',
      'time',
      'subject',
      'datacontenttype',
      'dataschema',
      'traceparent',
      'tracestate',
      'sequence',
      'partitionkey',
    ]),
  },
] as const

/** An envelope says nothing beside its members; anything else might bind `data` to them. */
const plainKeywords = new Set([
  '$comment',
  '$id',
  '$schema',
  'additionalProperties',
  'allOf',
  'description',
  'example',
  'examples',
  'externalDocs',
  'properties',
  'required',
  'title',
  'type',
  'unevaluatedProperties',
  'xml',
])

const DEPTH_MAX = 8

/**
 * Where the schema of a posted body describes its `data`, if the body is the envelope of a webhook: there may be several
 * places, of which all count. Undefined if it is none; a schema that only resembles one is told of.
 */
export function findEnvelopeData(reading: Reading, schema: Place): readonly Place[] | undefined {
  const members = new Map<string, Place[]>()
  const isPlain = collectMembers(quietly(reading), schema, members, DEPTH_MAX)
  const resembled = envelopes.find(({ needed }) => needed.every((name) => members.has(name)))
  if (!resembled) return undefined
  const names = [...members.keys()]
  const known: ReadonlySet<string> = resembled.known
  if (isPlain && names.every((name) => known.has(name) || name.startsWith('x-'))) {
    const message = 'The body is the envelope of a webhook; the definition is that of its member data'
    addWarning(reading, schema.pointer, 'envelope_unwrapped', message)
    return members.get('data')
  }
  const message = 'The body resembles the envelope of a webhook but says more; the definition is that of the whole body'
  addWarning(reading, schema.pointer, 'envelope_kept', message)
  return undefined
}

/** Whether an example is of the envelope; then what it holds. */
export function dataOfExample(example: unknown): unknown {
  return member(example, 'data')
}

/** References that lead nowhere are told of when the schema is copied. */
function quietly(reading: Reading): Reading {
  return { ...reading, faults: [], warnings: [] }
}

function collectMembers(reading: Reading, from: Place, members: Map<string, Place[]>, depth: number): boolean {
  const schema = follow(reading, from)
  if (!schema || !isSchemaObject(schema.value) || depth === 0) return false
  if (!Object.keys(schema.value).every((keyword) => plainKeywords.has(keyword) || keyword.startsWith('x-')))
    return false
  for (const [name, place] of membersOf(below(schema, 'properties'))) {
    members.set(name, [...(members.get(name) ?? []), place])
  }
  return itemsOf(below(schema, 'allOf')).every((part) => collectMembers(reading, part, members, depth - 1))
}

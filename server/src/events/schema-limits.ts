import type { Fault } from '../lib/problems.ts'
import { childSchemas, writtenSchemas } from './child-schemas.ts'
import { isSchemaObject, keysBelow, member, resolveReference } from './schema-node.ts'
import type { SchemaNode } from './schema-node.ts'

export const SCHEMA_BYTES_MAX = 65_536
/** Of objects and lists in one another, and of schemas in one another where references count as what they lead to. */
export const SCHEMA_DEPTH_MAX = 32
/** Written ones, and those that a payload can meet: what is referred to twice counts twice. */
export const SCHEMA_COUNT_MAX = 1_000
export const SCHEMA_PATTERNS_MAX = 100
/** Longer lists of faults help nobody. */
const FAULTS_MAX = 50

/** What is said of a text before it is read as a schema: its bytes count as they are kept, blanks too. */
export function checkSchemaText(text: string): readonly Fault[] {
  return Buffer.byteLength(text) > SCHEMA_BYTES_MAX ? [tooLarge] : []
}

/**
 * What is too much or not allowed in a schema that a company wrote; pointers lead into the schema. That its keywords have
 * the right form is not looked at. Takes milliseconds, whatever it is given, also what never was JSON.
 */
export function checkSchemaLimits(schema: unknown): readonly Fault[] {
  if (!isSchemaObject(schema)) return [fault('', 'not_a_schema', 'A schema is a JSON object')]
  const sizeFault = checkSize(schema)
  if (sizeFault) return [sizeFault]
  const nodes = writtenSchemas(schema, SCHEMA_COUNT_MAX + 1)
  if (nodes.length > SCHEMA_COUNT_MAX) {
    return [fault('', 'too_many_schemas', `Holds more than ${SCHEMA_COUNT_MAX.toLocaleString('en')} schemas`)]
  }
  const places = new Set(nodes.map((node) => node.schema))
  const faults = [...nodes.flatMap((node) => keywordFaults(node, places)), ...patternFaults(nodes)]
  // What references lead to is only looked at when all of them lead somewhere.
  const all = faults.length > 0 ? faults : expansionFaults(nodes)
  return all.slice(0, FAULTS_MAX)
}

function fault(pointer: string, code: string, message: string): Fault {
  return { pointer, code, message }
}

const tooLarge = fault('', 'schema_too_large', `Is longer than ${SCHEMA_BYTES_MAX.toLocaleString('en')} bytes of JSON`)

/** Depth first, so that what is nested without end is not walked to its end. */
function checkSize(schema: unknown): Fault | undefined {
  let level: readonly unknown[] = [schema]
  let values = 0
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > SCHEMA_DEPTH_MAX) {
      return fault('', 'schema_too_deep', `Has more than ${SCHEMA_DEPTH_MAX} objects or lists in one another`)
    }
    // A value takes two bytes at least.
    values += level.length
    if (values > SCHEMA_BYTES_MAX / 2) return tooLarge
    level = level.flatMap((value) => Object.values(value ?? {})).filter((value) => typeof value === 'object')
  }
  return Buffer.byteLength(JSON.stringify(schema)) > SCHEMA_BYTES_MAX ? tooLarge : undefined
}

const dialects = ['https://json-schema.org/draft/2020-12/schema', 'https://json-schema.org/draft/2020-12/schema#']

const unsupported: Readonly<Record<string, string>> = {
  $dynamicRef: 'Only $ref is followed',
  $dynamicAnchor: 'Only $ref is followed',
  $recursiveRef: 'Only $ref is followed',
  $recursiveAnchor: 'Only $ref is followed',
  $async: 'A schema cannot be asynchronous',
  dependencies: 'Was replaced by dependentRequired and dependentSchemas in 2019-09',
  additionalItems: 'Was replaced by prefixItems and items in 2020-12',
  id: 'Was replaced by $id in draft 6',
}

function keywordFaults(node: SchemaNode, places: ReadonlySet<unknown>): readonly Fault[] {
  const { schema, pointer } = node
  if (!isSchemaObject(schema)) return []
  const faults: Fault[] = []
  for (const keyword of Object.keys(unsupported)) {
    const value = member(schema, keyword)
    if (value === undefined || (keyword === 'id' && typeof value !== 'string')) continue
    faults.push(fault(`${pointer}/${keyword}`, 'unsupported_keyword', unsupported[keyword] ?? ''))
  }
  const dialect = member(schema, '$schema')
  if (dialect !== undefined && !dialects.some((one) => one === dialect)) {
    faults.push(fault(`${pointer}/$schema`, 'foreign_dialect', `Only ${dialects[0]} is known`))
  }
  if (pointer !== '' && member(schema, '$id') !== undefined) {
    faults.push(fault(`${pointer}/$id`, 'unsupported_keyword', 'Only the whole schema can have an id'))
  }
  return [...faults, ...referenceFaults(node, places)]
}

function referenceFaults(node: SchemaNode, places: ReadonlySet<unknown>): readonly Fault[] {
  const reference = member(node.schema, '$ref')
  if (reference === undefined) return []
  const pointer = `${node.pointer}/$ref`
  if (typeof reference !== 'string' || !/^#(?:\/|$)/.test(reference)) {
    return [fault(pointer, 'foreign_reference', 'Must be # or a JSON pointer into this schema: #/$defs/name')]
  }
  const target = resolveReference(node)
  if (target && places.has(target.schema)) return []
  return [fault(pointer, 'unresolvable_reference', 'Leads to no schema')]
}

function patternFaults(nodes: readonly SchemaNode[]): readonly Fault[] {
  const count = nodes.reduce(
    (sum, node) =>
      sum + Number(member(node.schema, 'pattern') !== undefined) + keysBelow(node, 'patternProperties').length,
    0,
  )
  if (count <= SCHEMA_PATTERNS_MAX) return []
  return [fault('', 'too_many_patterns', `Holds ${count} patterns; at most ${SCHEMA_PATTERNS_MAX} are allowed`)]
}

interface Extent {
  readonly count: number
  readonly depth: number
}

/** What a payload meets when references are followed. */
function expansionFaults(nodes: readonly SchemaNode[]): readonly Fault[] {
  const known = new Map<unknown, Extent>()
  const faults: Fault[] = []
  const none: Extent = { count: 1, depth: 1 }
  const open = new Set<unknown>()

  function measure(node: SchemaNode): Extent {
    if (!isSchemaObject(node.schema)) return none
    const before = known.get(node.schema)
    if (before) return before
    open.add(node.schema)
    const target = resolveReference(node)
    const isCircle = target !== undefined && open.has(target.schema)
    if (isCircle)
      faults.push(fault(`${node.pointer}/$ref`, 'recursive_schema', 'Leads back to a schema that it stands in'))
    const below = [...childSchemas(node), ...(target && !isCircle ? [target] : [])].map(measure)
    const extent = {
      count: below.reduce((sum, { count }) => sum + count, 1),
      depth: 1 + Math.max(0, ...below.map(({ depth }) => depth)),
    }
    open.delete(node.schema)
    known.set(node.schema, extent)
    return extent
  }

  const extents = nodes.map(measure)
  if (faults.length > 0) return faults
  const root = extents[0] ?? none
  if (root.count > SCHEMA_COUNT_MAX) {
    const message = `Holds more than ${SCHEMA_COUNT_MAX.toLocaleString('en')} schemas when references are followed`
    return [fault('', 'too_many_schemas', message)]
  }
  // Also of what is only kept: the next version may refer to it.
  if (extents.some(({ depth }) => depth > SCHEMA_DEPTH_MAX)) {
    const message = `Has more than ${SCHEMA_DEPTH_MAX} schemas in one another when references are followed`
    return [fault('', 'schema_too_deep', message)]
  }
  return []
}

import { escapePointerToken, isJsonPointer, parseJsonPointer } from '../lib/json-pointer.ts'
import type { Fault } from '../lib/problems.ts'
import type { EntityPointer } from './definitions.ts'
import {
  below,
  isSchemaObject,
  keysBelow,
  listBelow,
  member,
  resolveReference,
  rootNode,
  unfold,
} from './schema-node.ts'
import type { SchemaNode } from './schema-node.ts'

/** A member that `x-personal` marks. */
export interface PersonalMember {
  /** JSON pointer into the payload; the token `*` stands for every item of a list, or every member not named otherwise. */
  readonly pointer: string
  readonly category?: string
  readonly purpose?: string
  /** JSON pointer into the payload, to the id of the person. */
  readonly subject?: string
}

export interface Annotations {
  readonly entity?: EntityPointer
  readonly related: readonly EntityPointer[]
  readonly personal: readonly PersonalMember[]
  /** What is wrong with them; pointers lead into the schema. */
  readonly faults: readonly Fault[]
}

const RELATED_MAX = 16
const PERSONAL_MAX = 200
const TEXT_LENGTH_MAX = 100
const entityType = /^[a-z][a-z0-9_]{0,63}$/

/**
 * Reads `x-entity` and `x-related` at the root of a schema and `x-personal` at its members. The schema must be within the
 * limits of {@link checkSchemaLimits}.
 */
export function readAnnotations(schema: unknown): Annotations {
  const root = rootNode(schema)
  const faults: Fault[] = []
  const entity = readEntity(root, below(root, 'x-entity'), faults)
  const list = member(schema, 'x-related')
  if (list !== undefined && (!Array.isArray(list) || list.length > RELATED_MAX)) {
    faults.push(fault('/x-related', `Must be a list of at most ${RELATED_MAX} entities`))
  }
  const related = listBelow(root, 'x-related')
    .slice(0, RELATED_MAX)
    .flatMap((one) => readEntity(root, one, faults) ?? [])
  const personal = readPersonal(root, faults)
  return { ...(entity && { entity }), related, personal, faults }
}

function fault(pointer: string, message: string): Fault {
  return { pointer, code: 'invalid_annotation', message }
}

function readEntity(root: SchemaNode, node: SchemaNode | undefined, faults: Fault[]): EntityPointer | undefined {
  if (!node) return undefined
  const [type, id] = [member(node.schema, 'type'), member(node.schema, 'id')]
  const before = faults.length
  if (!isSchemaObject(node.schema) || Object.keys(node.schema).some((key) => key !== 'type' && key !== 'id')) {
    faults.push(fault(node.pointer, 'Must be an object of type and id, as in {"type": "order", "id": "/order_id"}'))
    return undefined
  }
  if (typeof type !== 'string' || !entityType.test(type)) {
    faults.push(fault(`${node.pointer}/type`, 'Must be 1 to 64 small letters, digits and _, a letter first'))
  }
  faults.push(...pointerFaults(root, id, `${node.pointer}/id`))
  return faults.length === before && typeof type === 'string' && typeof id === 'string' ? { type, id } : undefined
}

function pointerFaults(root: SchemaNode, pointer: unknown, at: string): readonly Fault[] {
  if (typeof pointer !== 'string' || pointer === '' || pointer.length > 1_000 || !isJsonPointer(pointer)) {
    return [fault(at, 'Must be a JSON pointer into the payload, as in /order_id')]
  }
  if (canStand([root], parseJsonPointer(pointer))) return []
  return [fault(at, 'Leads to a place where the schema lets nothing stand')]
}

/** False only if the schema surely forbids a value at this place: by `false`, or by a type that has nothing below it. */
function canStand(nodes: readonly SchemaNode[], keys: readonly string[]): boolean {
  const all = unfold(nodes)
  if (all.some(({ schema }) => schema === false)) return false
  const [key, ...rest] = keys
  if (key === undefined) return true
  const isIndex = /^(?:0|[1-9][0-9]*)$/.test(key)
  const inObject =
    canBe(all, 'object') &&
    canStand(
      all.flatMap((node) => memberAt(node, key)),
      rest,
    )
  return (
    inObject ||
    (isIndex &&
      canBe(all, 'array') &&
      canStand(
        all.flatMap((node) => itemAt(node, Number(key))),
        rest,
      ))
  )
}

function canBe(nodes: readonly SchemaNode[], type: string): boolean {
  return nodes.every(({ schema }) => {
    const types = member(schema, 'type')
    return types === undefined || [types].flat().includes(type)
  })
}

function memberAt(node: SchemaNode, name: string): readonly SchemaNode[] {
  const own = below(node, 'properties', name)
  if (own) return [own]
  // A pattern may match the name: then it is not told here whether anything may stand there.
  if (keysBelow(node, 'patternProperties').length > 0) return []
  return [below(node, 'additionalProperties') ?? []].flat()
}

function itemAt(node: SchemaNode, index: number): readonly SchemaNode[] {
  return [below(node, 'prefixItems', index) ?? below(node, 'items') ?? []].flat()
}

/**
 * Walks the schema as a payload would, through references, so that a shared schema marks every place where it is used. The
 * schemas below are counted by the limits, references included.
 */
function readPersonal(root: SchemaNode, faults: Fault[]): readonly PersonalMember[] {
  const found = new Map<string, PersonalMember>()
  const wrong = new Map<string, Fault>()
  const open: { node: SchemaNode; pointer: string }[] = [{ node: root, pointer: '' }]
  for (let at = open.pop(); at; at = open.pop()) {
    const { node, pointer } = at
    const mark = below(node, 'x-personal')
    if (mark && mark.schema !== false) {
      const read = readMark(root, mark, pointer)
      if ('pointer' in read) found.set(pointer, found.get(pointer) ?? read)
      else for (const one of read) wrong.set(one.pointer, one)
    }
    for (const one of placesBelow(node)) open.push({ node: one.node, pointer: pointer + one.step })
  }
  faults.push(...wrong.values())
  if (found.size > PERSONAL_MAX) faults.push(fault('', `At most ${PERSONAL_MAX} members can be marked by x-personal`))
  return [...found.values()].toSorted((a, b) => (a.pointer < b.pointer ? -1 : 1))
}

interface PlaceBelow {
  readonly node: SchemaNode
  readonly step: string
}

const sameValue = ['if', 'then', 'else']
const sameValueLists = ['allOf', 'anyOf', 'oneOf']
const everyItem = ['items', 'contains', 'unevaluatedItems']
const everyMember = ['additionalProperties', 'unevaluatedProperties']

/** The schemas that apply to the value itself or to what is in it. What `not` says tells of no place. */
function placesBelow(node: SchemaNode): readonly PlaceBelow[] {
  const at = (step: string, ...keys: readonly (string | number)[]): readonly PlaceBelow[] => {
    const found = below(node, ...keys)
    return found ? [{ node: found, step }] : []
  }
  const target = resolveReference(node)
  return [
    ...(target ? [{ node: target, step: '' }] : []),
    ...sameValue.flatMap((keyword) => at('', keyword)),
    ...sameValueLists.flatMap((keyword) => listBelow(node, keyword).map((one) => ({ node: one, step: '' }))),
    ...keysBelow(node, 'dependentSchemas').flatMap((name) => at('', 'dependentSchemas', name)),
    ...keysBelow(node, 'properties').flatMap((name) => at(`/${escapePointerToken(name)}`, 'properties', name)),
    ...keysBelow(node, 'patternProperties').flatMap((pattern) => at('/*', 'patternProperties', pattern)),
    ...listBelow(node, 'prefixItems').map((one, index) => ({ node: one, step: `/${index}` })),
    ...[...everyItem, ...everyMember].flatMap((keyword) => at('/*', keyword)),
  ]
}

const markTexts = ['category', 'purpose'] as const

/** The mark, or what is wrong with it. */
function readMark(root: SchemaNode, mark: SchemaNode, pointer: string): PersonalMember | readonly Fault[] {
  if (pointer === '') return [fault(mark.pointer, 'Must stand at a member, not at the payload as a whole')]
  if (mark.schema === true) return { pointer }
  const { schema } = mark
  if (!isSchemaObject(schema)) {
    return [fault(mark.pointer, 'Must be true, or an object of category, purpose and subject')]
  }
  const faults: Fault[] = []
  const texts: { category?: string; purpose?: string } = {}
  for (const key of markTexts) {
    const text = member(schema, key)
    if (text === undefined) continue
    if (typeof text === 'string' && text !== '' && text.length <= TEXT_LENGTH_MAX) texts[key] = text
    else faults.push(fault(`${mark.pointer}/${key}`, `Must be a text of 1 to ${TEXT_LENGTH_MAX} characters`))
  }
  for (const key of Object.keys(schema)) {
    if (key === 'subject' || markTexts.some((one) => one === key)) continue
    faults.push(fault(`${mark.pointer}/${escapePointerToken(key)}`, 'Only category, purpose and subject are known'))
  }
  const subject = member(schema, 'subject')
  if (subject !== undefined) faults.push(...pointerFaults(root, subject, `${mark.pointer}/subject`))
  if (faults.length > 0) return faults
  return { pointer, ...texts, ...(typeof subject === 'string' && { subject }) }
}

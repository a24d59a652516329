/** A place in a JSON Schema 2020-12, and what holds there: references and `allOf` are followed, unknown keywords ignored. */
import { escapePointerToken, parsePointerFragment } from '../lib/json-pointer.ts'

export type SchemaObject = Readonly<Record<string, unknown>>

export interface SchemaNode {
  readonly schema: unknown
  /** The whole schema, in which references are looked up. */
  readonly document: unknown
  /** JSON pointer from the document's root. */
  readonly pointer: string
}

export function rootNode(document: unknown): SchemaNode {
  return { schema: document, document, pointer: '' }
}

export function isSchemaObject(value: unknown): value is SchemaObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Own members only, so that a name such as `constructor` finds nothing. */
export function member(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined
}

/** The node below; undefined if nothing stands there. */
export function below(node: SchemaNode, ...keys: readonly (string | number)[]): SchemaNode | undefined {
  let schema: unknown = node.schema
  let pointer = node.pointer
  for (const key of keys) {
    schema = member(schema, String(key))
    pointer += `/${escapePointerToken(String(key))}`
  }
  return schema === undefined ? undefined : { schema, document: node.document, pointer }
}

export function listBelow(node: SchemaNode, keyword: string): readonly SchemaNode[] {
  const list = member(node.schema, keyword)
  if (!Array.isArray(list)) return []
  return list.flatMap((_, index) => below(node, keyword, index) ?? [])
}

export function keysBelow(node: SchemaNode, keyword: string): readonly string[] {
  const value = member(node.schema, keyword)
  return isSchemaObject(value) ? Object.keys(value) : []
}

/** The texts of a list, as of `required`. */
export function textsOf(list: unknown): readonly string[] {
  return Array.isArray(list) ? list.filter((one) => typeof one === 'string') : []
}

/** What a reference leads to; undefined if it is not a plain pointer into the same document. */
export function resolveReference(node: SchemaNode): SchemaNode | undefined {
  const reference = member(node.schema, '$ref')
  if (typeof reference !== 'string' || namesParts(node.document)) return undefined
  const keys = parsePointerFragment(reference)
  return keys && below(rootNode(node.document), ...keys)
}

const documentsNamingParts = new WeakMap<object, boolean>()

/** Below an `$id` of its own, `#` means another root. */
function namesParts(document: unknown): boolean {
  if (typeof document !== 'object' || document === null) return false
  const known = documentsNamingParts.get(document)
  if (known !== undefined) return known
  const open: unknown[] = Object.values(document)
  let found = false
  while (open.length > 0 && !found) {
    const value = open.pop()
    if (typeof value !== 'object' || value === null) continue
    found = typeof member(value, '$id') === 'string'
    open.push(...Object.values(value))
  }
  documentsNamingParts.set(document, found)
  return found
}

/**
 * All schemas that a value at these nodes must fit, `$ref` and `allOf` unfolded; each schema once. The keywords of each,
 * except those two, hold together. A reference that leads nowhere stays where it is: see `resolveReference`.
 */
export function unfold(nodes: readonly SchemaNode[]): readonly SchemaNode[] {
  const found = new Map<unknown, SchemaNode>()
  const open = nodes.toReversed()
  for (let node = open.pop(); node; node = open.pop()) {
    if (found.has(node.schema)) continue
    found.set(node.schema, node)
    const target = resolveReference(node)
    open.push(...listBelow(node, 'allOf').toReversed())
    if (target) open.push(target)
  }
  return [...found.values()]
}

/** JSON with sorted keys: the same text for values that JSON Schema takes for equal. */
export function canonicalText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalText).join()}]`
  if (!isSchemaObject(value)) return JSON.stringify(value) ?? 'undefined'
  const members = Object.keys(value).toSorted()
  return `{${members.map((key) => `${JSON.stringify(key)}:${canonicalText(value[key])}`).join()}}`
}

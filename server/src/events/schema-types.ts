import { canonicalText, isSchemaObject, member } from './schema-node.ts'
import type { SchemaNode } from './schema-node.ts'

/** The types of JSON Schema, made disjoint: `number` is `integer` or `fraction`. */
export const valueTypes = ['null', 'boolean', 'integer', 'fraction', 'string', 'array', 'object'] as const

export type ValueType = (typeof valueTypes)[number]

export function typeOf(value: unknown): ValueType {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'fraction'
  if (typeof value === 'boolean') return 'boolean'
  return isSchemaObject(value) ? 'object' : 'string'
}

/** The types that one schema's own keywords allow. `nullable` is an extension that the validator knows. */
function typesOfOne({ schema }: SchemaNode): ReadonlySet<ValueType> {
  if (schema === false) return new Set()
  const named = member(schema, 'type')
  if (named === undefined) return new Set(valueTypes)
  const types = new Set<unknown>([named].flat())
  if (types.has('number')) types.add('integer').add('fraction')
  if (member(schema, 'nullable') === true) types.add('null')
  return new Set(valueTypes.filter((type) => types.has(type)))
}

/** The types that a value of all these schemas can have. */
export function allowedTypes(nodes: readonly SchemaNode[]): ReadonlySet<ValueType> {
  const sets = nodes.map(typesOfOne)
  const values = listedValues(nodes)
  if (values) sets.push(new Set(values.map(typeOf)))
  return new Set(valueTypes.filter((type) => sets.every((types) => types.has(type))))
}

/** The values that `const` and `enum` leave; undefined if neither is given. */
export function listedValues(nodes: readonly SchemaNode[]): readonly unknown[] | undefined {
  let left: Map<string, unknown> | undefined
  for (const { schema } of nodes) {
    const lists = [member(schema, 'enum')].filter((list) => Array.isArray(list))
    const constant = member(schema, 'const')
    if (constant !== undefined) lists.push([constant])
    for (const list of lists) {
      const own = new Map(list.map((value: unknown) => [canonicalText(value), value]))
      left = left ? new Map([...left].filter(([text]) => own.has(text))) : own
    }
  }
  if (!left) return undefined
  return [...left.values()].filter((value) => nodes.every((node) => typesOfOne(node).has(typeOf(value))))
}

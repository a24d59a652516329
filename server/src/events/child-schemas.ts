import { below, keysBelow, listBelow, rootNode } from './schema-node.ts'
import type { SchemaNode } from './schema-node.ts'

const single = ['not', 'if', 'then', 'else', 'propertyNames', 'additionalProperties', 'unevaluatedProperties']
const singleOfItems = ['items', 'contains', 'unevaluatedItems']
const lists = ['allOf', 'anyOf', 'oneOf', 'prefixItems']
const maps = ['properties', 'patternProperties', 'dependentSchemas']
/** `definitions` is what `$defs` was called before 2019-09; references into it are common still. */
const stores = ['$defs', 'definitions']

/** The schemas inside a schema that take part in judging, those behind `$ref` left out. */
export function childSchemas(node: SchemaNode): readonly SchemaNode[] {
  return [
    ...[...single, ...singleOfItems].flatMap((keyword) => below(node, keyword) ?? []),
    ...lists.flatMap((keyword) => listBelow(node, keyword)),
    ...mapped(node, maps),
  ]
}

/** Every schema that stands in a text, also those only kept to be referred to, up to a number. In the order of the text, roughly. */
export function writtenSchemas(schema: unknown, countMax: number): readonly SchemaNode[] {
  const found: SchemaNode[] = []
  const open = [rootNode(schema)]
  for (let node = open.pop(); node && found.length < countMax; node = open.pop()) {
    found.push(node)
    open.push(...[...childSchemas(node), ...mapped(node, stores)].toReversed())
  }
  return found
}

function mapped(node: SchemaNode, keywords: readonly string[]): readonly SchemaNode[] {
  return keywords.flatMap((keyword) => keysBelow(node, keyword).flatMap((name) => below(node, keyword, name) ?? []))
}

import { plainKeywords } from './plain-keywords.ts'
import { below, canonicalText, isSchemaObject, keysBelow, member, resolveReference } from './schema-node.ts'
import type { SchemaNode } from './schema-node.ts'

/** Keywords whose value is data, not schemas. */
const dataKeywords = [...plainKeywords, 'minContains', 'maxContains']
const schemaKeywords = ['not', 'if', 'then', 'else', 'propertyNames', 'additionalProperties', 'items', 'contains']
const furtherSchemaKeywords = ['unevaluatedProperties', 'unevaluatedItems']
const listKeywords = ['allOf', 'anyOf', 'oneOf', 'prefixItems']
const mapKeywords = ['properties', 'patternProperties', 'dependentSchemas']
/** What they mean depends on more than the schema they stand in, or is older than 2020-12. */
const opaqueKeywords = ['$dynamicRef', '$recursiveRef', 'dependencies', 'id']

/**
 * Whether two schemas surely say the same: word for word but for annotations, through their references. With `keywords` only
 * these are compared. False where it cannot be told.
 */
export function haveSameMeaning(a: SchemaNode, b: SchemaNode, keywords?: readonly string[]): boolean {
  return compare(a, b, new Map(), keywords)
}

function compare(a: SchemaNode, b: SchemaNode, met: Map<unknown, Set<unknown>>, only?: readonly string[]): boolean {
  if (!isSchemaObject(a.schema) || !isSchemaObject(b.schema)) return a.schema === b.schema
  if (!only) {
    // A pair met before is compared further up: what is left of it is the same.
    const partners = met.get(a.schema) ?? new Set()
    if (partners.has(b.schema)) return true
    met.set(a.schema, partners.add(b.schema))
  }
  const named = (keywords: readonly string[]) =>
    only ? keywords.filter((keyword) => only.includes(keyword)) : keywords
  const both = (...keys: readonly (string | number)[]): boolean => {
    const [left, right] = [below(a, ...keys), below(b, ...keys)]
    return left && right ? compare(left, right, met) : left === right
  }
  if (named(opaqueKeywords).some((key) => member(a.schema, key) !== undefined || member(b.schema, key) !== undefined))
    return false
  return (
    named(dataKeywords).every((key) => canonicalText(member(a.schema, key)) === canonicalText(member(b.schema, key))) &&
    named([...schemaKeywords, ...furtherSchemaKeywords]).every((key) => both(key)) &&
    named(listKeywords).every((key) => {
      const [left, right] = [member(a.schema, key), member(b.schema, key)]
      if (!Array.isArray(left) || !Array.isArray(right)) return left === right
      return left.length === right.length && left.every((_, index) => both(key, index))
    }) &&
    named(mapKeywords).every((key) => {
      const names = new Set([...keysBelow(a, key), ...keysBelow(b, key)])
      return [...names].every((name) => both(key, name))
    }) &&
    (named(['$ref']).length === 0 || sameTarget(a, b, met))
  )
}

function sameTarget(a: SchemaNode, b: SchemaNode, met: Map<unknown, Set<unknown>>): boolean {
  if (member(a.schema, '$ref') === undefined && member(b.schema, '$ref') === undefined) return true
  const [left, right] = [resolveReference(a), resolveReference(b)]
  return left !== undefined && right !== undefined && compare(left, right, met)
}

/**
 * JSON Schema 2020-12 as TypeScript. A type never refuses what the schema takes: a keyword that TypeScript has no words for
 * (`pattern`, `if`, `not`, …) is left out, so the type is as narrow as it can be and no narrower.
 */

export interface TypeTextOptions {
  /** What a `$ref` stands for: the name of a type, a schema to be written in its place, or nothing that is known. */
  readonly resolve: (reference: string) => { readonly name: string } | { readonly schema: unknown } | undefined
  /** In types of what is sent, a member that may be absent may be `undefined` too. */
  readonly isInput?: boolean
}

interface Place extends TypeTextOptions {
  readonly indent: string
  /** References that are being written; one within itself is `unknown`. */
  readonly open: readonly string[]
}

type Schema = Readonly<Record<string, unknown>>

/** The type as an expression; its further lines are indented by `indent`. */
export function typeText(schema: unknown, options: TypeTextOptions, indent = ''): string {
  return typeOf(schema, { ...options, indent, open: [] })
}

function typeOf(schema: unknown, place: Place): string {
  if (schema === false) return 'never'
  if (!isRecord(schema)) return 'unknown'
  const parts = [
    typeof schema['$ref'] === 'string' ? referredType(schema['$ref'], place) : 'unknown',
    ...listIn(schema, 'allOf').map((one) => typeOf(one, place)),
    unionOf(alternatives(schema, 'anyOf', place)),
    unionOf(alternatives(schema, 'oneOf', place)),
    ownType(schema, place),
  ]
  const narrowing = [...new Set(parts)].filter((part) => part !== 'unknown')
  const [only = 'unknown', ...more] = narrowing
  return more.length === 0 ? only : narrowing.map(inParentheses).join(' & ')
}

/** `unknown` where the schema says nothing by itself. */
function ownType(schema: Schema, place: Place): string {
  if ('const' in schema) return literalType(schema['const'])
  if (Array.isArray(schema['enum'])) return unionOf(schema['enum'].map(literalType))
  const { type } = schema
  if (typeof type === 'string') return namedType(type, schema, place)
  if (Array.isArray(type)) return unionOf(type.map((one) => namedType(String(one), schema, place)))
  return 'properties' in schema ? objectType(schema, place) : 'unknown'
}

function namedType(type: string, schema: Schema, place: Place): string {
  if (type === 'string' || type === 'boolean' || type === 'null') return type
  if (type === 'integer' || type === 'number') return 'number'
  if (type === 'array') return arrayType(schema, place)
  return type === 'object' ? objectType(schema, place) : 'unknown'
}

function arrayType(schema: Schema, place: Place): string {
  // A tuple of `prefixItems` may be cut short, which no tuple type says without knowing its length.
  if ('prefixItems' in schema) return 'readonly unknown[]'
  return `readonly ${inParentheses(typeOf(schema['items'], place))}[]`
}

function objectType(schema: Schema, place: Place): string {
  const { properties, additionalProperties } = schema
  const entries = isRecord(properties) ? Object.entries(properties) : []
  if (entries.length === 0) {
    if (additionalProperties === false && !('patternProperties' in schema)) return 'Readonly<Record<string, never>>'
    const value = 'patternProperties' in schema ? 'unknown' : typeOf(additionalProperties, place)
    return `Readonly<Record<string, ${value}>>`
  }
  const required = new Set(listIn(schema, 'required'))
  const inner = { ...place, indent: `${place.indent}  ` }
  const lines = entries.map(([name, one]) => {
    const mark = required.has(name) ? '' : '?'
    const type = typeOf(one, inner)
    const orUndefined = mark && place.isInput && type !== 'unknown' ? ' | undefined' : ''
    return `${docText(one, inner.indent)}${inner.indent}readonly ${memberName(name)}${mark}: ${type}${orUndefined}\n`
  })
  return `{\n${lines.join('')}${place.indent}}`
}

/** How deep references may lie in one another; written in place, they could double with each step. */
const referencesMax = 8

function referredType(reference: string, place: Place): string {
  if (place.open.includes(reference) || place.open.length === referencesMax) return 'unknown'
  const found = place.resolve(reference)
  if (!found) return 'unknown'
  return 'name' in found ? found.name : typeOf(found.schema, { ...place, open: [...place.open, reference] })
}

function alternatives(schema: Schema, keyword: string, place: Place): readonly string[] {
  return listIn(schema, keyword).map((one) => typeOf(one, place))
}

/** An empty union says nothing; one with `unknown` in it neither. */
function unionOf(types: readonly string[]): string {
  const different = [...new Set(types)]
  return different.length === 0 || different.includes('unknown') ? 'unknown' : different.join(' | ')
}

function literalType(value: unknown): string {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value) ? JSON.stringify(value) : 'unknown'
}

function inParentheses(type: string): string {
  return /^[\w.]+$/.test(type) || /^\{[^]*\n\}$/.test(type) ? type : `(${type})`
}

function memberName(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name)
}

/** A comment with the schema's description, or nothing; ends with a line break. */
export function docText(schema: unknown, indent: string): string {
  if (!isRecord(schema)) return ''
  const { description, deprecated } = schema
  const lines = [
    ...(typeof description === 'string' ? description.split(/\r\n|[\n\r\u2028\u2029]/) : []),
    ...(deprecated === true ? ['@deprecated'] : []),
  ].map((line) => line.trim().replaceAll('*/', '*\\/'))
  const [first, ...more] = lines
  if (first === undefined) return ''
  if (more.length === 0) return `${indent}/** ${first} */\n`
  return `${indent}/**\n${lines.map((line) => `${indent} * ${line}`.trimEnd()).join('\n')}\n${indent} */\n`
}

function listIn(schema: Schema, keyword: string): readonly unknown[] {
  const value = schema[keyword]
  return Array.isArray(value) ? value : []
}

function isRecord(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

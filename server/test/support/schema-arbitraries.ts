import * as fc from 'fast-check'

/** JSON Schemas over few names and small numbers, so that two of them often meet, and payloads that often fit them. */

const name = fc.constantFrom('a', 'b', 'ab', 'x-c')
const limit = fc.integer({ min: 0, max: 4 })
const scalar = fc.constantFrom<unknown>('a', 'ab', 'abc', '', 0, 1, 2, 3, -1, 1.5, 2.5, true, false, null)
const typeName = fc.constantFrom('null', 'boolean', 'integer', 'number', 'string', 'array', 'object')
const names = fc.uniqueArray(name, { maxLength: 2 })

function optional(members: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<Record<string, unknown>> {
  return fc.uniqueArray(fc.constantFrom(...Object.keys(members)), { minLength: 1, maxLength: 3 }).chain((keys) =>
    fc.record(Object.fromEntries(keys.map((key) => [key, members[key] ?? fc.constant(true)])), {
      noNullPrototype: true,
    }),
  )
}

const { schema } = fc.letrec<{ schema: unknown; leaf: unknown }>((tie) => {
  const sub = tie('schema')
  const few = fc.array(sub, { minLength: 1, maxLength: 3 })
  const byName = fc.dictionary(name, sub, { maxKeys: 3, noNullPrototype: true })
  const leaf = fc.oneof(
    { weight: 1, arbitrary: fc.boolean() },
    {
      weight: 4,
      arbitrary: fc.record({ type: fc.oneof(typeName, fc.uniqueArray(typeName, { minLength: 1, maxLength: 3 })) }),
    },
    { weight: 2, arbitrary: fc.record({ enum: fc.uniqueArray(scalar, { minLength: 1, maxLength: 3 }) }) },
    { weight: 1, arbitrary: fc.record({ const: fc.oneof(scalar, fc.constantFrom([1], { a: 1 })) }) },
    {
      weight: 2,
      arbitrary: optional({
        type: fc.constant('string'),
        minLength: limit,
        maxLength: limit,
        pattern: fc.constantFrom('^a', 'b$'),
        format: fc.constantFrom('date', 'iban'),
      }),
    },
    {
      weight: 2,
      arbitrary: optional({
        type: fc.constantFrom('integer', 'number'),
        minimum: limit,
        maximum: limit,
        exclusiveMinimum: limit,
        exclusiveMaximum: limit,
        multipleOf: fc.constantFrom(1, 2, 0.5),
      }),
    },
  )
  const objects = optional({
    type: fc.constant('object'),
    properties: byName,
    patternProperties: fc.dictionary(fc.constantFrom('^a', '^x-'), sub, { maxKeys: 2, noNullPrototype: true }),
    additionalProperties: sub,
    propertyNames: sub,
    required: names,
    minProperties: limit,
    maxProperties: limit,
    dependentRequired: fc.dictionary(name, names, { maxKeys: 1, noNullPrototype: true }),
    dependentSchemas: fc.dictionary(name, sub, { maxKeys: 1, noNullPrototype: true }),
    unevaluatedProperties: sub,
  })
  const arrays = optional({
    type: fc.constant('array'),
    items: sub,
    prefixItems: few,
    minItems: limit,
    maxItems: limit,
    uniqueItems: fc.boolean(),
    contains: sub,
    minContains: limit,
    maxContains: limit,
    unevaluatedItems: sub,
  })
  const combined = optional({
    allOf: few,
    anyOf: few,
    oneOf: few,
    not: sub,
    ...Object.fromEntries(['if', 'then', 'else'].map((keyword) => [keyword, sub])),
    $ref: fc.constantFrom('#/$defs/one', '#/$defs/two'),
  })
  const mixed = fc.tuple(objects, combined).map(([object, combination]) => ({ ...object, ...combination }))
  const depths = { depthSize: 'small', maxDepth: 3 } as const
  return { leaf, schema: fc.oneof(depths, leaf, leaf, objects, arrays, combined, mixed) }
})

/** `$defs` cannot be entered again without going down in the payload, so that every schema ends. */
export const anySchema: fc.Arbitrary<unknown> = fc
  .tuple(schema, schema, schema)
  .filter(([, one, two]) => !/\$ref/.test(JSON.stringify([one, two])))
  .map(([root, one, two]) => (typeof root === 'object' ? { ...root, $defs: { one, two } } : root))

/** A schema and one that differs from it in a few places. */
export const schemaPair: fc.Arbitrary<readonly [unknown, unknown]> = fc.oneof(
  fc.tuple(anySchema, anySchema),
  fc.tuple(anySchema, schema, fc.nat()).map(([one, other, place]) => [one, changed(one, other, place)] as const),
)

/** Replaces, adds or drops one member somewhere in a schema. What comes out may be no schema. */
function changed(value: unknown, other: unknown, place: number): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return other
  const keys = Object.keys(value).filter((key) => key !== '$defs')
  const key = keys[place % (keys.length + 1)]
  if (key === undefined) return typeof other === 'object' ? { ...value, ...other } : value
  const rest = Math.floor(place / (keys.length + 1))
  const below: unknown = Reflect.get(value, key)
  if (rest % 3 === 0) return Object.fromEntries(Object.entries(value).filter(([name]) => name !== key))
  if (Array.isArray(below))
    return { ...value, [key]: below.map((one: unknown, index) => (index === 0 ? changed(one, other, rest) : one)) }
  if (typeof below === 'number') return { ...value, [key]: Math.max(0, below + (rest % 2 ? 1 : -1)) }
  return { ...value, [key]: changed(below, other, rest) }
}

export const anyPayload: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 2 },
    scalar,
    fc.dictionary(name, tie('value'), { maxKeys: 3, noNullPrototype: true }),
    fc.array(tie('value'), { maxLength: 3 }),
  ),
})).value

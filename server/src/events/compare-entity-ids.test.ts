import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { compareEntityIds } from './compare-entity-ids.ts'
import { compileCustomSchema } from './custom-schema.ts'
import { withEntityIds } from './definitions.ts'
import { readAnnotations } from './schema-annotations.ts'
import { checkCompatibility } from './schema-compatibility.ts'

const object = (properties: object, more: object = {}) => ({ type: 'object', properties, ...more })
const order = { 'x-entity': { type: 'order', id: '/ref' } }
const text = { type: 'string', minLength: 1, maxLength: 256 }
const found = (older: unknown, newer: unknown) =>
  compareEntityIds(older, newer).map(({ breaks, pointer, code }) => `${breaks} ${pointer} ${code}`)

test('an entity that is named from now on breaks producers who may put there what is no id', () => {
  for (const ref of [
    {},
    { type: 'string' },
    { type: ['string', 'number'] },
    { type: 'integer' },
    { ...text, maxLength: 257 },
  ]) {
    assert.deepEqual(found(object({ ref }), object({ ref }, order)), ['producers /x-entity/id entity_id'])
  }
})

test('it breaks nobody where the schema lets only an id stand, or nothing', () => {
  const whole = { type: 'integer', minimum: 0, maximum: 1_000_000 }
  for (const ref of [text, whole, { ...text, type: ['string', 'null'] }, { enum: ['a', 7, null] }, false]) {
    assert.deepEqual(found(object({ ref }), object({ ref }, order)), [])
  }
})

test('an entity that is not named any more breaks consumers who rely on an id', () => {
  const loose = object({ ref: { type: 'string' } })
  assert.deepEqual(found({ ...loose, ...order }, loose), ['consumers /x-entity/id entity_id'])
  const strict = object({ ref: text })
  assert.deepEqual(found({ ...strict, ...order }, strict), [])
})

test('a pointer that both have breaks nobody, whether it names the entity or a related one', () => {
  const loose = object({ ref: { type: 'string' } })
  const related = { ...loose, 'x-related': [{ type: 'purchase', id: '/ref' }] }
  assert.deepEqual(found({ ...loose, ...order }, related), [])
  assert.deepEqual(found({ ...loose, ...order }, object({ ref: {} }, order)), [])
})

test('each place is told by itself, also in lists and deep', () => {
  const newer = {
    ...order,
    'x-related': [
      { type: 'customer', id: '/customer/id' },
      { type: 'item', id: '/items/0/id' },
      { type: 'shop', id: '/shop' },
    ],
  }
  const older = object({ ref: text, shop: { type: 'boolean' } })
  assert.deepEqual(found(older, { ...older, ...newer }), [
    'producers /x-related/0/id entity_id',
    'producers /x-related/1/id entity_id',
    'producers /x-related/2/id entity_id',
  ])
})

test('what would be too large to compare counts as a break', () => {
  const far = { 'x-entity': { type: 'order', id: '/items/4000/id' } }
  assert.deepEqual(found({}, far), ['producers /x-entity/id undecided'])
})

test('a mode that leaves producers or consumers out leaves these breaks out, too', () => {
  const [older, newer] = [object({ ref: { type: 'string' } }), object({ ref: { type: 'string' } }, order)]
  const breaksUnder = (mode: 'backward' | 'forward_transitive' | 'full') =>
    checkCompatibility(mode, [{ version: 1, schema: older }], newer).map(({ version, pointer }) => [version, pointer])
  assert.deepEqual(breaksUnder('backward'), [[1, '/x-entity/id']])
  assert.deepEqual(breaksUnder('forward_transitive'), [])
  assert.deepEqual(breaksUnder('full'), [[1, '/x-entity/id']])
})

test('what is not reported does not happen, with entities too', () => {
  const ref = fc.constantFrom<unknown>(
    {},
    text,
    { type: 'string' },
    { type: ['integer', 'string'], minLength: 1 },
    { enum: ['', 'a'] },
  )
  const side = fc
    .record({ ref, entity: fc.boolean(), isRequired: fc.boolean() })
    .map(({ ref: schema, entity, isRequired }) =>
      object({ ref: schema }, { ...(entity && order), ...(isRequired && { required: ['ref'] }) }),
    )
  const payload = fc.record(
    { ref: fc.oneof(fc.constantFrom<unknown>('', 'a', null, true, 1.5, 2 ** 60, 'x'.repeat(257)), fc.integer()) },
    { requiredKeys: [] },
  )
  const judge = (schema: object) => withEntityIds(readAnnotations(schema), compileCustomSchema(schema))
  fc.assert(
    fc.property(side, side, payload, (older, newer, value) => {
      const breaks = new Set(
        checkCompatibility('full', [{ version: 1, schema: older }], newer).map((one) => one.breaks),
      )
      const [fitsOlder, fitsNewer] = [older, newer].map((schema) => judge(schema)(value).length === 0)
      if (!breaks.has('producers') && fitsOlder) assert.ok(fitsNewer)
      if (!breaks.has('consumers') && fitsNewer) assert.ok(fitsOlder)
    }),
    { numRuns: 2_000 },
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { testDatabase } from '../../test/support/database.ts'
import { rowShape } from './rows.ts'

const shape = rowShape({ a: 'text', b: 'bigint', c: 'bytea', d: 'boolean', e: 'real', f: 'uuid', g: 'timestamptz' })

test('any rows come out of the parameters as they went in', async (t) => {
  const { pools } = await testDatabase(t)
  const text = fc.string({ unit: 'grapheme' }).map((value) => value.replaceAll('\u0000', ''))
  const awkward = fc.constantFrom('', 'null', 'NULL', '{}', '{a,b}', '"', '\\', '\\"', ' a ', 'a,b', 'é', '\n', "'")
  const row = fc.record(
    {
      a: fc.option(fc.oneof(text, awkward)),
      b: fc.option(fc.maxSafeInteger()),
      c: fc.option(fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes))),
      d: fc.option(fc.boolean()),
      e: fc.option(fc.integer({ min: -1_000, max: 1_000 })),
      f: fc.option(fc.uuid()),
      g: fc.option(
        fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) }).map((one) => one.toISOString()),
      ),
    },
    { noNullPrototype: true },
  )
  const read = `select * from ${shape.from()}`
  await fc.assert(
    fc.asyncProperty(fc.array(row, { maxLength: 20 }), async (rows) => {
      const { rows: back } = await pools.owner.query<Record<string, unknown>>({
        name: 'rows.test',
        text: read,
        values: shape.values(rows),
      })
      const plain = back.map((one) => ({ ...one, g: one['g'] instanceof Date ? one['g'].toISOString() : null }))
      assert.deepEqual(plain, rows)
    }),
  )
})

test('a value that no array can hold is refused, not written as something else', () => {
  assert.throws(() => shape.values([{ a: {}, b: 1, c: null, d: null, e: null, f: null, g: null }]), TypeError)
})

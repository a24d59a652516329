import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { testDatabase } from '../../test/support/database.ts'
import { rowShape } from './rows.ts'

type Row = Readonly<Record<string, unknown>>

const shape = rowShape<Row>({
  a: ['text', (row) => row['a']],
  b: ['bigint', (row) => row['b']],
  c: ['bytea', (row) => row['c']],
  d: ['boolean', (row) => row['d']],
  e: ['real', (row) => row['e']],
  f: ['uuid', (row) => row['f']],
  g: ['timestamptz', (row) => row['g']],
  h: ['json', (row) => row['h']],
})

test('any rows come out of the parameters as they went in', async (t) => {
  const { pools } = await testDatabase(t)
  const text = fc.string({ unit: 'grapheme' }).map((value) => value.replaceAll('\u0000', ''))
  const awkward = fc.constantFrom('', 'null', 'NULL', '{}', '{a,b}', '"', '\\', '\\"', ' a ', 'a,b', 'é', '\n', "'")
  const awkwardJson = fc.constantFrom('null', '""', ' [ ] ', '"\\u001e"', '"\\\\"', '{"a":"{,}"}', '1e400', '"\\u0000"')
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
      h: fc.option(fc.oneof(fc.json(), awkwardJson)),
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
  assert.throws(() => shape.values([{ a: {} }]), TypeError)
})

test('a text that is no JSON for sure is refused where JSON is wanted: it would shift the rows after it', () => {
  assert.throws(() => shape.values([{ h: '"\u001E"' }]), TypeError)
  assert.throws(() => shape.values([{ h: '' }]), TypeError)
  assert.throws(() => shape.values([{ h: 1 }]), TypeError)
})

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { decodeCursor, encodeCursor, pageRows } from './cursor.ts'
import { ProblemError } from './problems.ts'

const id = '0192f3c4-1111-7222-8333-444455556666'

function assertRefused(text: string): void {
  assert.throws(
    () => decodeCursor('events', text, ['uuid', 'integer']),
    (error) => error instanceof ProblemError && error.code === 'invalid_cursor',
    JSON.stringify(text),
  )
}

/** A cursor as somebody else would write it. */
function written(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

describe('a cursor', () => {
  test('gives back the values it was made of', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.maxSafeNat(), fc.constantFrom('pending', 'ended'), (id, position, phase) => {
        const text = encodeCursor('list', [id, position, phase])
        assert.deepEqual(decodeCursor('list', text, ['uuid', 'integer', ['pending', 'ended']]), [id, position, phase])
        assert.match(text, /^[A-Za-z0-9_-]+$/)
      }),
    )
  })

  test('of another list, or with values missing, added or of another type is refused', () => {
    for (const value of [
      ['deliveries', id, 1],
      ['events', id],
      ['events', id, 1, 1],
      ['events', id, '1'],
      ['events', id, -1],
      ['events', id, 1.5],
      ['events', id, 2 ** 53],
      ['events', id, null],
      ['events', id.toUpperCase(), 1],
      ['events', 'x', 1],
      ['events', 1, id],
      { 0: 'events', 1: id, 2: 1, length: 3 },
      'events',
      null,
    ]) {
      assertRefused(written(value))
    }
  })

  test('spelled in another way than it was given out is refused', () => {
    const text = encodeCursor('events', [id, 7])
    const json = JSON.stringify(['events', id, 7])
    for (const spelling of [
      `${text}=`,
      `${text} `,
      ` ${text}`,
      `${text.slice(0, 8)}\n${text.slice(8)}`,
      Buffer.from(`${json} `).toString('base64url'),
      Buffer.from(json.replace('events', '\\u0065vents')).toString('base64url'),
      Buffer.from(json.replace('7]', '7.0]')).toString('base64url'),
      Buffer.from(json.replace('7]', '-0]')).toString('base64url'),
    ]) {
      assertRefused(spelling)
    }
  })

  test('made of any other text is refused as an invalid cursor and nothing else', () => {
    fc.assert(fc.property(fc.string(), assertRefused))
    fc.assert(fc.property(fc.json(), (text) => assertRefused(Buffer.from(text).toString('base64url'))))
  })

  test('with a word that the list does not know is refused', () => {
    assert.throws(() => decodeCursor('list', encodeCursor('list', ['gone']), [['pending', 'ended']]), ProblemError)
  })
})

test('a page has 50 rows when nothing is said, and never more than 200', () => {
  assert.equal(pageRows({}), 50)
  assert.equal(pageRows({ limit: 1 }), 1)
  assert.equal(pageRows({ limit: 10_000 }), 200)
  assert.equal(pageRows({ limit: 0 }), 1)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { withinPurse } from './purse.ts'
import { textSearch } from './text-search.ts'

const letters = (options: fc.StringConstraints) => fc.string({ ...options, unit: fc.constantFrom('a', 'a', 'b') })

function searchFor(part: string): (text: string) => boolean | undefined {
  const search = textSearch(part)
  return (text) => withinPurse(search, text)
}

test('a part is found exactly where String.includes finds it, whether short or long', () => {
  const part = fc.oneof(letters({ minLength: 1, maxLength: 16 }), letters({ minLength: 17, maxLength: 24 }))
  fc.assert(
    fc.property(part, letters({ maxLength: 40 }), letters({ maxLength: 40 }), (part, before, after) => {
      const search = searchFor(part)
      // Torn, the part is nearly there; the repeated beginning is what a search has to fall back over.
      const nearly = before + part.slice(0, -1) + part.slice(0, part.length / 2) + after
      assert.equal(search(nearly), nearly.includes(part))
      assert.equal(search(before + part.slice(0, part.length / 2) + part + after), true)
      assert.equal(search(before), before.includes(part))
    }),
    { numRuns: 2_000 },
  )
})

test('a long part that is its own beginning again is found', () => {
  const part = 'ab'.repeat(10) + 'aa'
  const search = searchFor(part)
  assert.equal(search('ab'.repeat(12) + 'aa'), true)
  assert.equal(search('ab'.repeat(9) + 'aa'), false)
  assert.equal(search(part), true)
})

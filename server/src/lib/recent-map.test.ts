import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { RecentMap } from './recent-map.ts'

const SIZE = 5
const names = fc.array(fc.integer({ min: 0, max: 20 }).map(String))

test('the last names that were used are there, and nothing older than twice as many', () => {
  fc.assert(
    fc.property(names, (used) => {
      const map = new RecentMap<string>(SIZE)
      const order: string[] = []
      for (const name of used) {
        const recent = [...new Set(order.toReversed())]
        const found = map.get(name)
        if (recent.slice(0, SIZE).includes(name)) assert.equal(found, `of ${name}`)
        if (!recent.slice(0, 2 * SIZE).includes(name)) assert.equal(found, undefined)
        map.set(name, `of ${name}`)
        order.push(name)
      }
    }),
  )
})

test('a name has the value it was given last', () => {
  const map = new RecentMap<number>(2)
  map.set('a', 1)
  map.set('a', 2)
  for (const name of ['b', 'c']) map.set(name, 0)
  assert.equal(map.get('a'), 2)
})

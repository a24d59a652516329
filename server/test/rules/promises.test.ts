import assert from 'node:assert/strict'
import { test } from 'node:test'
import { promises } from '../promises.ts'
import { read, testFiles } from './source-files.ts'

const cited = new Set<string>()
for (const file of testFiles()) {
  for (const [, title = ''] of read(file).matchAll(/\btest\(\s*(['"`].*?['"`]),/gs)) {
    for (const [, id = ''] of title.matchAll(/\[([a-z-]+)\]/g)) cited.add(id)
  }
}

test('every promise that is kept is cited by a test', () => {
  const uncited = promises.filter(({ id, status }) => status === 'kept' && !cited.has(id))
  assert.deepEqual(
    uncited.map(({ id }) => id),
    [],
  )
})

test('no test cites a promise that is not in the list', () => {
  const known = new Set(promises.map(({ id }) => id))
  assert.deepEqual(
    [...cited].filter((id) => !known.has(id)),
    [],
  )
})

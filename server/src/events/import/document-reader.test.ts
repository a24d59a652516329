import assert from 'node:assert/strict'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { test } from 'node:test'
import { DocumentReader } from './document-reader.ts'
import { readDefinitionDocument } from './read-definition-document.ts'

const text = 'event_name: order.placed\nschema: {type: object}'

test('a document is read in a thread as it is here, as text or as a value', async () => {
  const reader = new DocumentReader()
  assert.deepEqual(await reader.read('a', text, {}), readDefinitionDocument(text))
  const { definitions } = await reader.read('a', { event_name: 'a', schema: true }, { format: 'definition' })
  assert.deepEqual(definitions, [{ eventName: 'a', pointer: '', schema: true }])
})

test('a document that takes too long is given up, and the next one is read', async () => {
  const slow = new DocumentReader({ deadlineMs: 1 })
  const { faults } = await slow.read('a', `a: [${'{b: c},'.repeat(100_000)}]`, {})
  assert.deepEqual(
    faults.map(({ code }) => code),
    ['document_too_costly'],
  )
  const reader = new DocumentReader()
  assert.deepEqual((await reader.read('a', text, {})).faults, [])
})

test('a large document does not hold up this thread', async () => {
  const reader = new DocumentReader()
  const delay = monitorEventLoopDelay({ resolution: 10 })
  delay.enable()
  const { faults } = await reader.read('a', `a: [${'{b: c},'.repeat(100_000)}]`, {})
  delay.disable()
  assert.equal(faults.length, 1)
  assert.ok(delay.max / 1e6 < 500, `${delay.max / 1e6} ms`)
})

test('companies take turns, and one that has too many documents waiting is refused', async () => {
  const reader = new DocumentReader()
  const order: string[] = []
  const read = async (companyId: string): Promise<void> => {
    await reader.read(companyId, text, {})
    order.push(companyId)
  }
  // The first is taken at once, two more may wait.
  const reading = [read('a'), read('a'), read('a')]
  await assert.rejects(reader.read('a', text, {}), { code: 'rate_limited' })
  await Promise.all([...reading, read('b')])
  assert.deepEqual(order, ['a', 'a', 'b', 'a'])
  assert.deepEqual((await reader.read('a', text, {})).faults, [])
})

test('a reader that is closed refuses what waits, what is being read, and all else', async () => {
  const reader = new DocumentReader()
  await reader.read('a', text, {})
  const asked = ['a', 'b'].map(async (companyId) => {
    await assert.rejects(reader.read(companyId, `a: [${'{b: c},'.repeat(100_000)}]`, {}), { code: 'shutting_down' })
  })
  await reader.close()
  await reader.close()
  await Promise.all(asked)
  await assert.rejects(reader.read('a', text, {}), { code: 'shutting_down' })
})

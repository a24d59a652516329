import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { readDefinitionDocument, readDefinitionValue } from './read-definition-document.ts'

const codes = (faults: readonly { readonly pointer: string; readonly code: string }[]) =>
  faults.map(({ pointer, code }) => `${pointer} ${code}`)

test('a definition and a list of them are read, entities go into the schema', () => {
  const order = {
    event_name: 'order.placed',
    version: 3,
    status: 'active',
    compatibility: 'backward',
    title: 'Order placed',
    description: null,
    owner: 'sales',
    entity: { type: 'order', id: '/id' },
    related: [],
    tags: ['orders'],
    schema: { type: 'object' },
    examples: [{ id: 1 }],
  }
  const expected = {
    eventName: 'order.placed',
    title: 'Order placed',
    owner: 'sales',
    tags: ['orders'],
    schema: { type: 'object', 'x-entity': { type: 'order', id: '/id' } },
    examples: [{ id: 1 }],
    status: 'active',
    compatibility: 'backward',
  }
  assert.deepEqual(readDefinitionValue(order), {
    format: 'definition',
    definitions: [{ ...expected, pointer: '' }],
    faults: [],
    warnings: [],
  })
  const list = readDefinitionValue({ definitions: [order, { event_name: 'a', schema: true }] })
  assert.deepEqual(list.definitions, [
    { ...expected, pointer: '/definitions/0' },
    { eventName: 'a', pointer: '/definitions/1', schema: true },
  ])
})

test('every standard definition has this form', async () => {
  const folder = new URL('../../../definitions/', import.meta.url)
  const files = await readdir(folder)
  assert.ok(files.length > 5)
  for (const file of files) {
    const { definitions, faults } = readDefinitionDocument(await readFile(new URL(file, folder), 'utf8'), {
      fileName: file,
    })
    assert.deepEqual([definitions.length, faults], [1, []], file)
  }
})

test('all that is wrong in all of a list is told', () => {
  const { definitions, faults } = readDefinitionValue({
    definitions: [
      { event_name: 'Not a name', schema: {} },
      { event_name: 'a', schema: 7, tags: ['No Tag'], more: 1 },
      { event_name: 'b', schema: {} },
      { event_name: 'b', schema: {} },
      { event_name: 'daybook.x', schema: {} },
      { event_name: 'c', schema: { 'x-entity': { type: 'order', id: '/id' } }, entity: { type: 'order', id: '/no' } },
      { event_name: 'd', schema: true, entity: { type: 'order', id: '/no' } },
      'e',
    ],
  })
  assert.deepEqual(codes(faults).toSorted(), [
    '/definitions/0/event_name invalid_event_name',
    '/definitions/1/more additionalProperties',
    '/definitions/1/schema type',
    '/definitions/1/tags/0 pattern',
    '/definitions/3 name_collision',
    '/definitions/4 reserved_event_name',
    '/definitions/5/schema/x-entity entity_conflict',
    '/definitions/6/schema entity_conflict',
    '/definitions/7 type',
  ])
  assert.deepEqual(
    definitions.map(({ eventName }) => eventName),
    ['b'],
  )
  assert.deepEqual(codes(readDefinitionValue({ definitions: [] }).faults), ['/definitions nothing_to_import'])
})

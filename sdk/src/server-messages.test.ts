import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { ServerMessage } from './server-messages.ts'
import { readServerMessages } from './server-messages.ts'

/** The messages of a body that arrives in pieces of these sizes, over and over. */
async function read(text: string, sizes: readonly number[] = [1_000]): Promise<readonly ServerMessage[]> {
  const bytes = new TextEncoder().encode(text)
  let at = 0
  let turn = 0
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      if (at >= bytes.length) return controller.close()
      const size = sizes[turn++ % sizes.length] ?? 1
      controller.enqueue(bytes.subarray(at, at + size))
      at += size
    },
  })
  const messages: ServerMessage[] = []
  for await (const message of readServerMessages(body)) messages.push(message)
  return messages
}

const summary = ({ event, data, id }: ServerMessage) => [event, data, id]

test('fields, comments, several lines of data and an id without data are read as the standard has them', async () => {
  const text = ':hello\nretry: 2500\n\nid: 7\nevent: a.b\ndata: {"a":\ndata:1}\n\n:\n\nid: 8\n\ndata\nother: x\n\n'
  const messages = await read(text)
  assert.deepEqual(messages.map(summary), [
    ['message', undefined, undefined],
    ['a.b', '{"a":\n1}', '7'],
    ['message', undefined, '8'],
    ['message', '', undefined],
  ])
  assert.deepEqual(
    messages.map(({ lastEventId }) => lastEventId),
    [undefined, '7', '8', '8'],
  )
  assert.equal(messages[0]?.retryMs, 2_500)
})

test('a message that is not ended is dropped', async () => {
  assert.deepEqual((await read('id: 1\ndata: a\n\nid: 2\ndata: b\n')).map(summary), [['message', 'a', '1']])
  assert.deepEqual(await read(''), [])
})

test('wherever the bytes are cut and however lines end, the messages are the same', async () => {
  const lines = ['id: 1', 'data: Zoë \u{1f600}', '', ': c', 'event: x', 'data: 1', 'data: 2', '', 'id: 9', '', '']
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
      fc.constantFrom('\n', '\r', '\r\n'),
      async (sizes, end) => {
        assert.deepEqual((await read(lines.join(end), sizes)).map(summary), [
          ['message', 'Zoë \u{1f600}', '1'],
          ['x', '1\n2', undefined],
          ['message', undefined, '9'],
        ])
      },
    ),
  )
})

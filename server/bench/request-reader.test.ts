import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { RequestReader } from './request-reader.ts'

const request = (path: string, id: string, body: string): string =>
  `POST ${path} HTTP/1.1\r\nhost: x\r\nWebhook-Id: ${id}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`

test('requests are found however the network cuts their bytes', () => {
  const word = fc.stringMatching(/^[a-z0-9]{1,8}$/)
  const body = fc.oneof(fc.constant(''), fc.constant('\r\n\r\n'), fc.string())
  const sent = fc.array(fc.record({ path: word, webhookId: word, body }), { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(sent, fc.array(fc.nat(40), { maxLength: 30 }), (requests, cuts) => {
      const bytes = Buffer.from(requests.map((one) => request(one.path, one.webhookId, one.body)).join(''))
      const reader = new RequestReader()
      const found = []
      let at = 0
      for (const cut of [...cuts, bytes.length]) {
        found.push(...reader.read(bytes.subarray(at, at + cut)))
        at += cut
      }
      assert.deepEqual(
        found,
        requests.map(({ path, webhookId }) => ({ path, webhookId })),
      )
    }),
  )
})

test('a request counts when its last byte is there', () => {
  const reader = new RequestReader()
  const bytes = Buffer.from(request('/hook', 'id-1', '{}'))
  assert.deepEqual(reader.read(bytes.subarray(0, -1)), [])
  assert.deepEqual(reader.read(bytes.subarray(-1)), [{ path: '/hook', webhookId: 'id-1' }])
})

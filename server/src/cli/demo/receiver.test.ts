import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeSigningSecret, newSigningSecret, signatureHeader } from '../../webhooks/sign.ts'
import { startReceiver } from './receiver.ts'

test('a call counts when its signature is right, and is refused when it is not', async (t) => {
  const secret = newSigningSecret()
  const events: string[] = []
  let forged = 0
  const receiver = await startReceiver({ secret, onEvent: (id) => void events.push(id), onForgery: () => forged++ })
  t.after(async () => await receiver.close())

  const post = async (id: string, signedWith: string): Promise<number> => {
    const seconds = Math.floor(Date.now() / 1_000)
    const signature = signatureHeader([decodeSigningSecret(signedWith)], id, seconds, Buffer.from('{}'))
    const headers = { 'webhook-id': id, 'webhook-timestamp': String(seconds), 'webhook-signature': signature }
    return (await fetch(receiver.url, { method: 'POST', headers, body: '{}' })).status
  }
  assert.equal(await post('a', secret), 204)
  assert.equal(await post('b', newSigningSecret()), 401)
  assert.equal((await fetch(receiver.url, { method: 'POST', body: '{}' })).status, 401)
  assert.deepEqual([events, forged], [['a'], 2])
})

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HIDDEN, hideEcho } from './hide-echo.ts'
import type { PostResponse } from './post-result.ts'

function answer(body: string | Buffer, more: Partial<PostResponse> = {}): PostResponse {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  return {
    kind: 'response',
    status: 200,
    headers: [],
    body: bytes,
    bodyTruncated: false,
    timings: { totalMs: 1 },
    ...more,
  }
}

function kept(result: PostResponse, ...secrets: readonly string[]): PostResponse {
  const hidden = hideEcho(result, secrets)
  assert.ok(hidden.kind === 'response')
  return hidden
}

const textOf = (body: string, ...secrets: readonly string[]): string => kept(answer(body), ...secrets).body.toString()

describe('an answer that repeats a credential', () => {
  const secret = `gehe"im/ä&'<x y>+1`

  test('is kept without it, however the usual formats write it', () => {
    for (const written of [
      secret,
      JSON.stringify(secret),
      JSON.stringify(secret).replaceAll('/', '\\/'),
      JSON.stringify(secret).replaceAll('ä', '\\u00e4'),
      JSON.stringify(secret).replaceAll('ä', '\\u00e4').replaceAll('/', '\\/'),
      encodeURIComponent(secret),
      encodeURIComponent(secret)
        .replaceAll('%C3%A4', '%c3%a4')
        .replaceAll(/%../g, (byte) => byte.toLowerCase()),
      new URLSearchParams([['a', secret]]).toString(),
      "gehe&quot;im/ä&amp;'&lt;x y&gt;+1",
      'gehe&quot;im/ä&amp;&#39;&lt;x y&gt;+1',
    ]) {
      const shown = textOf(`<${written}|${written}>`, secret)
      assert.ok(shown.includes(HIDDEN) && !shown.includes('gehe') && !shown.includes('+1'), shown)
    }
  })

  test('is kept without it in UTF-8 and in Latin-1, in body and headers', () => {
    for (const encoding of ['utf8', 'latin1'] as const) {
      const bytes = Buffer.from(`é ${secret} é`, encoding)
      const value = bytes.toString('latin1')
      const { body, headers } = kept(answer(bytes, { headers: [['x-echo', value]] }), secret)
      assert.deepEqual(body, Buffer.from(`é ${HIDDEN} é`, encoding))
      assert.deepEqual(headers, [['x-echo', body.toString('latin1')]])
    }
  })

  test('is kept without each of several, the one within another too', () => {
    assert.equal(textOf('a user:password-1 b password-1', 'password-1', 'user:password-1'), 'a [hidden] b [hidden]')
  })

  test('and was cut off within it, is kept without what stands of it at its end', () => {
    const cut = (body: string, bodyTruncated = true): string =>
      kept(answer(body, { bodyTruncated }), 'abcabcab-secret').body.toString()
    assert.equal(cut('it is abcabcab-secre'), 'it is ')
    assert.equal(cut('it is abcabcabcab'), 'it is abc', 'the longest beginning goes')
    assert.equal(cut('it is abca'), 'it is ')
    assert.equal(cut('it is abc'), 'it is abc', 'three characters may stand there by chance')
    assert.equal(cut('it is abcabcab-secre', false), 'it is abcabcab-secre')
    assert.equal(cut('abcabcab-secret and abcabc'), '[hidden] and ')
  })
})

test('an answer without them, and one whose credential is short, stays as it is', () => {
  const result = answer(Buffer.of(0xff, 0, 0xc3, 0x28), { headers: [['a', 'b']], bodyTruncated: true })
  assert.deepEqual(hideEcho(result, ['a-long-secret']), result)
  assert.equal(textOf('my secret is short', 'secret'), 'my secret is short')
})

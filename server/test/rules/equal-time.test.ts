import assert from 'node:assert/strict'
import { test } from 'node:test'
import { read, sdkFiles, sourceFiles } from './source-files.ts'

/**
 * Comparing a secret by `===` or `equals` ends at the first difference, and how long that takes tells where it is. What is
 * secret is looked up by its hash, or compared by `timingSafeEqual` on digests of equal length.
 */
const guarded = /secret|token|signature|hash|digest/i

/** Comparisons of what has such a name and is no secret, or is compared with what its owner wrote. */
const allowed: Readonly<Record<string, string>> = {
  'server/src/db/embedded/start-embedded-postgres.ts: found?.settingsDigest === settings.digest':
    'tells whether settings of ours changed; both are in a file beside the database',
  'server/src/events/publisher.ts: first.contentDigest.equals(event.contentDigest)':
    "the publisher's own event against the one it sent before",
}

const operand = String.raw`(?:[\w$#]|\??\.|\[[^\]]*\]|\([^()]*\))+`
const comparison = new RegExp(String.raw`(typeof )?(${operand}) (?:===|!==|==|!=) (${operand}|'[^']*')`, 'g')
const method = new RegExp(
  String.raw`(${operand}(?:\.equals|\.localeCompare))(\([^()]*\))|Buffer\.compare\([^()]*\)`,
  'g',
)

/** What tells nothing of a secret: whether there is one, of which type, how long it is. */
const harmless = /^(undefined|null|true|false|''|\d+)$/
const measure = /\.(length|byteLength|size)$/

function comparisons(file: string, text: string): string[] {
  const found: string[] = []
  for (const [whole, isType, left = '', right = ''] of text.matchAll(comparison)) {
    if (isType || harmless.test(left) || harmless.test(right)) continue
    const secret = [left, right].some((side) => guarded.test(side) && !measure.test(side))
    if (secret) found.push(`${file}: ${whole}`)
  }
  for (const [whole] of text.matchAll(method)) if (guarded.test(whole)) found.push(`${file}: ${whole}`)
  return found
}

test('no secret, token, signature, hash or digest is compared piece by piece', () => {
  const files = [...sourceFiles(), ...sdkFiles()]
  const found = files.flatMap((file) => comparisons(file, read(file)))
  assert.deepEqual(found.toSorted(), Object.keys(allowed).toSorted())
})

test('a planted comparison is seen, and what tells nothing is left alone', () => {
  for (const line of [
    'if (signature === expected) return',
    'return given !== this.#secret',
    "if (digestOfKey(text) === row['key_digest']) return",
    'if (hash(a) == b) return',
    'if (!digest.equals(other)) return',
    'Buffer.compare(signature, other)',
    "if (token === 'letmein') return",
  ]) {
    assert.equal(comparisons('x.ts', line).length, 1, line)
  }
  for (const line of [
    'if (secret === undefined) return',
    "if (typeof secret === 'string') return",
    'if (digest.length !== 32) return',
    'if (secrets.length === 0) return',
    'if (name === other) return',
    "if (token === '') return",
  ]) {
    assert.deepEqual(comparisons('x.ts', line), [], line)
  }
})

import assert from 'node:assert/strict'
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import * as fc from 'fast-check'
import { makeMasterKeyFile, readMasterKeyFile } from './master-key-file.ts'
import { MasterKeyError, newMasterKey, parseMasterKey, toKeyring } from './master-keys.ts'

const keyTexts = Array.from({ length: 3 }, newMasterKey)

async function keyFile(t: TestContext, text: string | undefined, mode = 0o600): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'daybook-key-'))
  t.after(async () => await rm(directory, { recursive: true }))
  const path = join(directory, 'master.key')
  if (text !== undefined) {
    await writeFile(path, text)
    await chmod(path, mode)
  }
  return path
}

async function refusal(path: string): Promise<string> {
  const error: unknown = await readMasterKeyFile(path).catch((error: unknown) => error)
  assert.ok(error instanceof MasterKeyError, String(error))
  assert.ok(error.message.includes(path))
  for (const text of keyTexts) assert.ok(!error.message.includes(text.slice(0, 8)))
  return error.message
}

test('a key file holds keys line by line, the newest first, with comments between them', async (t) => {
  const path = await keyFile(t, `# the new one\n${keyTexts[0]}\n\n  ${keyTexts[1]}  \r\n# old\n${keyTexts[2]}`)
  const found = await readMasterKeyFile(path)
  assert.deepEqual(
    found?.keys.map((key) => Buffer.from(key).toString('base64')),
    keyTexts,
  )
})

test('a key file that is made is readable by its owner only and holds the key that was answered', async (t) => {
  const path = await keyFile(t, undefined)
  assert.equal(await readMasterKeyFile(path), undefined)
  const made = await makeMasterKeyFile(path)
  assert.deepEqual(await readMasterKeyFile(path), made)
  assert.match(await readFile(path, 'utf8'), /^[\w+/]{43}=\n$/)
  if (process.platform !== 'win32') assert.equal((await stat(path)).mode & 0o777, 0o600)
})

test('a key file that others can read is refused', async (t) => {
  if (process.platform === 'win32') return // no such modes there
  for (const mode of [0o604, 0o640, 0o620, 0o601, 0o644, 0o660]) {
    assert.match(await refusal(await keyFile(t, `${keyTexts[0]}\n`, mode)), /others can read it \(mode 0/)
  }
  for (const mode of [0o600, 0o400]) {
    assert.equal((await readMasterKeyFile(await keyFile(t, `${keyTexts[0]}\n`, mode)))?.keys.length, 1)
  }
})

test('a key file with anything but keys is refused, with the line and without its text', async (t) => {
  const [first = '', second = ''] = keyTexts
  const cases: readonly [text: string, reason: RegExp][] = [
    ['', /holds no key/],
    ['# nothing\n\n', /holds no key/],
    [first.slice(0, -1), /line 1: a master key is 32 bytes in base64/],
    [`${first}\n${second.slice(4)}\n`, /line 2: a master key is 32 bytes/],
    [`${first} ${second}\n`, /line 1/],
    [Buffer.alloc(31).toString('base64'), /line 1/],
    [Buffer.alloc(33).toString('base64'), /line 1/],
    [Buffer.alloc(32, 255).toString('base64url'), /line 1/],
    [Buffer.alloc(32, 255).toString('hex'), /line 1/],
    ['#'.repeat(20_000), /too long/],
  ]
  for (const [text, reason] of cases) assert.match(await refusal(await keyFile(t, text)), reason)
  assert.match(await refusal(tmpdir()), /cannot be read|not a file/)
})

test('only the canonical spelling of 32 bytes is a master key', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      const text = Buffer.from(bytes).toString('base64')
      if (bytes.length === 32) assert.deepEqual(parseMasterKey(text), Buffer.from(bytes))
      else assert.throws(() => parseMasterKey(text), MasterKeyError)
    }),
  )
  const [text = ''] = keyTexts
  for (const bad of [`${text}=`, ` ${text}`, text.replace('=', ''), `${text}\n`]) {
    assert.throws(() => parseMasterKey(bad), MasterKeyError)
  }
  assert.throws(() => toKeyring({ keys: [] }), MasterKeyError)
})

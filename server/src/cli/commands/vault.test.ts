import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseMasterKey } from '../../vault/master-keys.ts'
import { runCommandLine } from '../test-terminal.ts'

test('new-key prints a new master key and nothing else', async () => {
  const made = [await runCommandLine(['vault', 'new-key']), await runCommandLine(['vault', 'new-key'])]
  for (const { exitCode, stdout, stderr } of made) {
    assert.deepEqual([exitCode, stderr], [0, ''])
    assert.equal(parseMasterKey(stdout.slice(0, -1)).length, 32)
  }
  assert.notEqual(made[0]?.stdout, made[1]?.stdout)
})

test('rotate without a key is wrong configuration, and without a database makes none', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'daybook-vault-'))
  t.after(async () => await rm(directory, { recursive: true }))
  const env = { DAYBOOK_DATA_DIR: directory }
  const withoutKey = await runCommandLine(['vault', 'rotate'], { ...env, DATABASE_URL: 'postgres://127.0.0.1:1/none' })
  assert.equal(withoutKey.exitCode, 2)
  assert.match(withoutKey.stderr, /daybook vault new-key/)
  const withoutDatabase = await runCommandLine(['vault', 'rotate'], env)
  assert.equal(withoutDatabase.exitCode, 1)
  assert.match(withoutDatabase.stderr, /nothing to rotate/)
  assert.deepEqual(await readdir(directory), [])
})

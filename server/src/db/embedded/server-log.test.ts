import assert from 'node:assert/strict'
import { readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { openServerLog, readLogTail } from './server-log.ts'
import { makeTestDirectory } from './test-directory.ts'

test('a log over 10 MB gives way to a new one and is kept once', async (t) => {
  const directory = await makeTestDirectory(t)
  const path = join(directory, 'postgres.log')
  for (const round of [1, 2]) {
    await writeFile(path, Buffer.alloc(10 * 1024 * 1024 + round, 'x'))
    const log = await openServerLog(path)
    await log.write('new\n')
    await log.close()
  }
  assert.deepEqual((await readdir(directory)).sort(), ['postgres.log', 'postgres.log.1'])
  assert.equal(await readLogTail(path), 'new')
  assert.equal((await stat(`${path}.1`)).size, 10 * 1024 * 1024 + 2)
})

test('a log is continued, and its tail begins where the reader says', async (t) => {
  const path = join(await makeTestDirectory(t), 'postgres.log')
  await writeFile(path, 'old\n')
  const log = await openServerLog(path)
  await log.write('new\n')
  await log.close()
  assert.equal(await readLogTail(path), 'old\nnew')
  assert.equal(await readLogTail(path, 4), 'new')
  assert.equal(await readLogTail(path, 8), '')
  assert.equal(await readLogTail(`${path}.none`), '')
})

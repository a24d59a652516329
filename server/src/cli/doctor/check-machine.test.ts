import assert from 'node:assert/strict'
import { test } from 'node:test'
import { callsWithin } from '../../webhooks/calls-within.ts'
import { judgeDescriptors, judgeSpace, readSpace } from './check-machine.ts'
import { judgeDurability, judgeServer } from './check-server.ts'

const GIB = 1_024 ** 3

test('a limit of open files is a problem exactly where it lowers the calls of a server', () => {
  for (const limit of [120, 300, 1_024, 1_631, 1_632, 1_048_576]) {
    const isLowered = callsWithin(limit, 512) < 512
    assert.equal(judgeDescriptors(limit, 512).level, isLowered ? 'problem' : 'ok', `${limit}`)
  }
  assert.equal(judgeDescriptors(1_631, 512).level, 'problem')
  assert.equal(judgeDescriptors(1_632, 512).level, 'ok')
  assert.equal(judgeDescriptors(Infinity, 10_000).level, 'ok')
  assert.match(judgeDescriptors(300, 512).message, /300 files, enough for 68 calls at once instead of 512/)
})

test('a disk is judged by what is free, in all and as a share', () => {
  assert.equal(judgeSpace({ freeBytes: 0.5 * GIB, totalBytes: 2 * GIB }, '/data').level, 'problem')
  assert.equal(judgeSpace({ freeBytes: 10 * GIB, totalBytes: 1_000 * GIB }, '/data').level, 'problem')
  assert.equal(judgeSpace({ freeBytes: 4 * GIB, totalBytes: 100 * GIB }, '/data').level, 'warning')
  assert.equal(judgeSpace({ freeBytes: 4 * GIB, totalBytes: 8 * GIB }, '/data').level, 'ok')
  assert.equal(judgeSpace({ freeBytes: 50 * GIB, totalBytes: 1_000 * GIB }, '/data').level, 'ok')
})

test('what is free can be read here', async () => {
  const { freeBytes, totalBytes } = await readSpace(import.meta.dirname)
  assert.ok(totalBytes > 0 && freeBytes <= totalBytes)
})

test('a server that is too old, or acknowledges before the disk has it, is a problem', () => {
  const facts = { version: '18.1', version_num: 180_001, fsync: true, synchronous_commit: true, full_page_writes: true }
  assert.equal(judgeServer(facts).level, 'ok')
  assert.equal(judgeServer({ ...facts, version: '14.2', version_num: 140_002 }).level, 'problem')
  assert.equal(judgeDurability(facts).level, 'ok')
  const found = judgeDurability({ ...facts, fsync: false, full_page_writes: false })
  assert.deepEqual([found.level, found.message.split(':')[0]], ['problem', 'fsync and full_page_writes off'])
})

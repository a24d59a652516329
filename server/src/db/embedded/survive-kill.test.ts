import assert from 'node:assert/strict'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { Client } from 'pg'
import { findRecordedCluster } from './place-cluster.ts'
import { poll } from './poll.ts'
import { isPostmaster } from './postmaster-file.ts'
import { findServerUser } from './server-user.ts'
import { startEmbeddedPostgres } from './start-embedded-postgres.ts'
import { startTestDaybook } from './test-daybook.ts'

const settings = { fsync: 'off' }
const silent = (): void => undefined

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(text)).rows
  } finally {
    await client.end()
  }
}

test('after kill -9 of Daybook its server and its data are taken over, and nothing of its lock is left', async (t) => {
  const killed = await startTestDaybook(t, { settings })
  const { dataDir } = killed
  const before = await killed.started()
  await query(before.url, 'create table kept as select 42 as answer')
  await assert.rejects(
    startEmbeddedPostgres({ dataDir, settings, log: silent }),
    new RegExp(`process ${killed.pid}\\b`),
  )

  await killed.end('SIGKILL')
  const server = await startEmbeddedPostgres({ dataDir, settings, log: silent })
  assert.deepEqual([server.reused, server.pid, server.url], [true, before.pid, before.url])
  assert.deepEqual(await query(server.url, 'select answer from kept'), [{ answer: 42 }])
  await server.stop()
  assert.equal(await isPostmaster(before.pid, join(dataDir, 'postgres')), false)
})

test('a server left behind with other settings is restarted with the right ones', async (t) => {
  const killed = await startTestDaybook(t, { settings })
  const { dataDir } = killed
  const before = await killed.started()
  await killed.end('SIGKILL')
  const server = await startEmbeddedPostgres({ dataDir, log: silent })
  assert.equal(server.reused, false)
  assert.notEqual(server.pid, before.pid)
  assert.deepEqual(await query(server.url, 'show fsync'), [{ fsync: 'on' }])
  await server.stop()
})

test('Ctrl-C in the terminal does not reach the server', async (t) => {
  const interrupted = await startTestDaybook(t, { settings })
  const { dataDir } = interrupted
  const before = await interrupted.started()
  await interrupted.end('SIGINT')
  const server = await startEmbeddedPostgres({ dataDir, settings, log: silent })
  assert.deepEqual([server.reused, server.pid], [true, before.pid])
  await server.stop()
})

test('kill -9 in the middle of making the database leaves a directory that starts', async (t) => {
  const killed = await startTestDaybook(t, { settings })
  const { dataDir } = killed
  const isMaking = async (): Promise<true | undefined> => {
    const names = await readdir(dataDir).catch(() => [])
    return names.some((name) => name.startsWith('postgres.unfinished-')) ? true : undefined
  }
  assert.ok(await poll(20_000, 5, isMaking))
  await killed.end('SIGKILL')
  assert.equal(await findRecordedCluster(dataDir), undefined)
  const server = await startEmbeddedPostgres({ dataDir, settings, log: silent })
  assert.deepEqual(await query(server.url, 'select 1 as one'), [{ one: 1 }])
  assert.equal(await isMaking(), undefined, 'the half-made one is still there')
  await server.stop()
})

test('an ordinary user runs everything as himself, in a directory that only he can enter', async (t) => {
  // Run by root, the process becomes this user before it starts anything.
  const user = await findServerUser()
  const daybook = await startTestDaybook(t, { settings, user })
  const { dataDir } = daybook
  const server = await daybook.started()
  assert.deepEqual(await query(server.url, 'select 1 as one'), [{ one: 1 }])
  assert.equal(await findRecordedCluster(dataDir), join(dataDir, 'postgres'))
  const uid = user?.uid ?? process.getuid?.()
  for (const name of await readdir(dataDir)) assert.equal((await stat(join(dataDir, name))).uid, uid, name)
  assert.equal((await stat(dataDir)).mode & 0o777, 0o700)
  await daybook.leave()
  assert.equal(await isPostmaster(server.pid, join(dataDir, 'postgres')), false)
})

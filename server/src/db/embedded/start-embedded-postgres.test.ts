import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { Client } from 'pg'
import { findRecordedCluster, systemPlaces } from './place-cluster.ts'
import { isPostmaster } from './postmaster-file.ts'
import { findPostgresPackage } from './find-package.ts'
import { preparePrograms } from './prepare-programs.ts'
import { runCommand, spawnOptions } from './run-command.ts'
import { findServerUser } from './server-user.ts'
import { startEmbeddedPostgres } from './start-embedded-postgres.ts'
import type { EmbeddedPostgres } from './start-embedded-postgres.ts'
import { killPostmaster, makeTestDataDir } from './test-directory.ts'

const user = await findServerUser()
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

async function start(dataDir: string): Promise<EmbeddedPostgres> {
  return startEmbeddedPostgres({ dataDir, settings, log: silent })
}

async function clusterOf(dataDir: string): Promise<string> {
  const cluster = await findRecordedCluster(dataDir)
  assert.ok(cluster)
  return cluster
}

async function isServing(server: EmbeddedPostgres, dataDir: string): Promise<boolean> {
  return isPostmaster(server.pid, await clusterOf(dataDir))
}

test('a new directory becomes a durable UTF-8 database sorted by code point, closed to those without the password', async (t) => {
  const dataDir = await makeTestDataDir(t)
  const lines: string[] = []
  const server = await startEmbeddedPostgres({ dataDir, log: (line) => lines.push(line) })
  const [row] = await query(
    server.url,
    `select current_database() as database, current_user as "user", current_setting('fsync') as fsync,
            current_setting('synchronous_commit') as commit, pg_encoding_to_char(encoding) as encoding,
            datlocprovider as provider, datlocale as locale, current_setting('listen_addresses') as listens,
            (select string_agg(distinct auth_method, ',') from pg_hba_file_rules) as auth,
            (select rolpassword like 'SCRAM-SHA-256$%' from pg_authid where rolname = 'daybook') as scram
       from pg_database where datname = current_database()`,
  )
  assert.deepEqual(row, {
    database: 'daybook',
    user: 'daybook',
    fsync: 'on',
    commit: 'on',
    encoding: 'UTF8',
    provider: 'b',
    locale: 'C.UTF-8',
    listens: '127.0.0.1',
    auth: 'scram-sha-256',
    scram: true,
  })
  assert.equal(server.reused, false)

  const wrong = new URL(server.url)
  wrong.password = 'password'
  await assert.rejects(query(wrong.href, 'select 1'), /password authentication failed/)

  const passwordFile = join(dataDir, 'postgres.password')
  const password = (await readFile(passwordFile, 'utf8')).trim()
  assert.equal(new URL(server.url).password, password)
  assert.equal(Buffer.from(password, 'base64url').length, 32)
  assert.equal((await stat(passwordFile)).mode & 0o777, 0o600)

  await assert.rejects(query(server.url, `select 'a payload'::int`), /a payload/)
  await server.stop()
  await server.stop()
  assert.equal(await isServing(server, dataDir), false)
  const log = await readFile(join(dirname(await clusterOf(dataDir)), 'postgres.log'), 'utf8')
  assert.match(log, /database system is shut down/)
  for (const text of [...lines, log]) {
    assert.ok(!text.includes(password))
    assert.ok(!text.includes('a payload'), 'a statement or its error is in the log')
  }
})

test('a restart keeps what was written and is ready within a second', async (t) => {
  const dataDir = await makeTestDataDir(t)
  const first = await start(dataDir)
  await query(first.url, 'create table kept as select 42 as answer')
  await first.stop()
  const before = performance.now()
  const second = await start(dataDir)
  const tookMs = performance.now() - before
  assert.deepEqual(await query(second.url, 'select answer from kept'), [{ answer: 42 }])
  assert.equal(second.reused, false)
  await second.stop()
  assert.ok(tookMs < 1000, `${tookMs} ms`)
})

test('a second start on the same directory is refused, and the first goes on', async (t) => {
  const dataDir = await makeTestDataDir(t)
  const results = await Promise.allSettled([start(dataDir), start(dataDir)])
  const [server, ...others] = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const [refusal] = results.flatMap((result) => (result.status === 'rejected' ? [String(result.reason)] : []))
  assert.ok(server)
  assert.equal(others.length, 0)
  assert.match(refusal ?? '', /Another Daybook/)
  await assert.rejects(start(dataDir), (error: Error) => {
    assert.ok(error.message.includes(dataDir) && error.message.includes(`${process.pid}`), error.message)
    return true
  })
  assert.deepEqual(await query(server.url, 'select 1 as one'), [{ one: 1 }])
  await server.stop()
})

test('after the server was killed its leftovers are stepped over and committed rows are there', async (t) => {
  const dataDir = await makeTestDataDir(t)
  const first = await start(dataDir)
  await query(first.url, 'create table kept as select 42 as answer')
  await killPostmaster(await clusterOf(dataDir))
  await first.stop()
  const second = await start(dataDir)
  assert.equal(second.reused, false)
  assert.deepEqual(await query(second.url, 'select answer from kept'), [{ answer: 42 }])
  await second.stop()
})

test('a pid file whose number now belongs to another program does not keep the server from starting', async (t) => {
  const dataDir = await makeTestDataDir(t)
  const first = await start(dataDir)
  const cluster = await clusterOf(dataDir)
  await killPostmaster(cluster)
  await first.stop()
  const other = spawn('sleep', ['300'], { ...spawnOptions(user), stdio: 'ignore' })
  t.after(() => other.kill('SIGKILL'))
  const pidFile = join(cluster, 'postmaster.pid')
  await writeFile(pidFile, (await readFile(pidFile, 'utf8')).replace(/^\d+/, `${other.pid}`))

  const second = await start(dataDir)
  assert.equal(second.reused, false)
  assert.notEqual(second.pid, other.pid)
  await query(second.url, 'select 1')
  await second.stop()
  assert.equal(other.exitCode ?? other.signalCode, null, 'the other program was hurt')
})

test('a server that someone restarted keeps its address, and stop ends it', async (t) => {
  const dataDir = await makeTestDataDir(t)
  const server = await start(dataDir)
  await query(server.url, 'create table kept as select 42 as answer')
  const cluster = await clusterOf(dataDir)
  const { pgCtl } = await preparePrograms(
    await findPostgresPackage(),
    user,
    user ? systemPlaces : [join(dataDir, 'programs')],
  )
  const log = join(cluster, 'restart.log')
  const restart = await runCommand(pgCtl, ['restart', '-D', cluster, '-m', 'immediate', '-w', '-s', '-l', log], {
    user,
  })
  assert.equal(restart.exitCode, 0, restart.stderr)
  assert.deepEqual(await query(server.url, 'select answer from kept'), [{ answer: 42 }])
  await server.stop()
  await assert.rejects(query(server.url, 'select 1'), /ECONNREFUSED/)
})

test('a server that cannot start tells why from its log, and leaves the directory free', async (t) => {
  const dataDir = await makeTestDataDir(t)
  const broken = { ...settings, shared_buffers: 'a lot' }
  await assert.rejects(
    startEmbeddedPostgres({ dataDir, settings: broken, log: silent }),
    /did not start.*shared_buffers.*a lot/s,
  )
  const server = await start(dataDir)
  await server.stop()
})

test('a database that was there once is never replaced by an empty one, and moves with its directory', async (t) => {
  const dataDir = await makeTestDataDir(t)
  const first = await start(dataDir)
  await query(first.url, 'create table kept as select 42 as answer')
  await first.stop()
  const cluster = await clusterOf(dataDir)
  const password = join(dataDir, 'postgres.password')

  await rename(cluster, `${cluster}.away`)
  await assert.rejects(start(dataDir), (error: Error) => {
    assert.ok(error.message.includes(cluster), error.message)
    assert.ok(error.message.includes(join(dataDir, 'postgres.location')), error.message)
    return true
  })
  await mkdir(cluster)
  await assert.rejects(start(dataDir), /is not there/)
  await rename(`${cluster}.away`, cluster)
  await rename(password, `${password}.away`)
  await assert.rejects(start(dataDir), /postgres\.password is missing/)
  await rename(`${password}.away`, password)

  // The whole directory may go elsewhere.
  const moved = await makeTestDataDir(t)
  await rename(dataDir, moved)
  const second = await start(moved)
  assert.deepEqual(await query(second.url, 'select answer from kept'), [{ answer: 42 }])
  await second.stop()
})

test('a directory made by another major version is refused by number', async (t) => {
  const dataDir = await makeTestDataDir(t)
  await (await start(dataDir)).stop()
  const cluster = await clusterOf(dataDir)
  await writeFile(join(cluster, 'PG_VERSION'), '14\n')
  await assert.rejects(start(dataDir), /made by PostgreSQL 14/)
})

test('below a directory that others cannot enter it works all the same, and finds its database again', async (t) => {
  const dataDir = await makeTestDataDir(t, 0o700)
  const first = await start(dataDir)
  await query(first.url, 'create table kept as select 42 as answer')
  await first.stop()
  const cluster = await clusterOf(dataDir)
  assert.equal(cluster.startsWith(dataDir), user === undefined, 'root has to put it elsewhere, anyone else must not')
  const second = await start(dataDir)
  assert.deepEqual(await query(second.url, 'select answer from kept'), [{ answer: 42 }])

  // What a copy of the data directory would be when the database is outside: another way to the same one.
  const copy = await makeTestDataDir(t, 0o700)
  await mkdir(copy)
  for (const name of ['postgres.location', 'postgres.password']) {
    const text = await readFile(join(dataDir, name), 'utf8')
    await writeFile(join(copy, name), text.replace(/^postgres$/m, cluster))
  }
  await assert.rejects(start(copy), /Another Daybook/)
  await second.stop()
})

import assert from 'node:assert/strict'
import { access, chmod, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { Finding } from '../../src/cli/doctor/finding.ts'
import { newMasterKey } from '../../src/vault/master-keys.ts'
import { runDaybook, startDaybook } from '../support/daybook-process.ts'
import { testDatabase } from '../support/database.ts'
import { MASTER_KEY } from '../support/master-key.ts'

interface Told {
  readonly exitCode: number | string
  readonly status: string
  readonly findings: readonly Finding[]
  find(check: string): Finding | undefined
}

async function doctor(env: Readonly<Record<string, string>>): Promise<Told> {
  const { exitCode, stdout, stderr } = await runDaybook(['doctor', '--json'], env)
  assert.notEqual(stdout, '', stderr)
  const { status, findings } = JSON.parse(stdout) as Pick<Told, 'status' | 'findings'>
  return { exitCode, status, findings, find: (check) => findings.find((one) => one.check === check) }
}

async function directory(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'daybook-doctor-'))
  t.after(async () => await rm(path, { recursive: true, force: true }))
  await chmod(path, 0o755) // as root the database runs under another account, which then finds its way in
  return path
}

test('beside a running server on the embedded database nothing is stuck; after it has gone, nobody leads', async (t) => {
  const DAYBOOK_DATA_DIR = join(await directory(t), 'data')
  const server = await startDaybook(t, { DAYBOOK_DATA_DIR })
  const beside = await doctor({ DAYBOOK_DATA_DIR })
  assert.deepEqual(
    beside.findings.filter(({ level }) => level === 'problem'),
    [],
  )
  assert.deepEqual([beside.exitCode, beside.status], [0, 'fine'])
  for (const check of ['configuration', 'disk', 'durability', 'leader', 'secrets']) assert.ok(beside.find(check), check)
  assert.equal((await fetch(`${server.url}/readyz`)).status, 200)

  await server.stop()
  const alone = await doctor({ DAYBOOK_DATA_DIR })
  assert.deepEqual([alone.exitCode, alone.status], [1, 'problems'])
  assert.match(alone.find('leader')?.message ?? '', /handed its lease back/)
  assert.equal(alone.find('configuration')?.level, 'ok')

  const keyFile = join(DAYBOOK_DATA_DIR, 'master.key')
  await rename(keyFile, `${keyFile}.away`)
  const without = await doctor({ DAYBOOK_DATA_DIR })
  assert.deepEqual([without.exitCode, without.find('configuration')?.level], [1, 'problem'])
  assert.match(without.find('configuration')?.message ?? '', /master\.key is missing, and the database is sealed with/)
  await assert.rejects(access(keyFile), 'looking makes no key')

  await writeFile(keyFile, `${newMasterKey()}\n`, { mode: 0o600 })
  const another = await doctor({ DAYBOOK_DATA_DIR })
  assert.deepEqual([another.exitCode, another.find('configuration')?.level], [1, 'problem'])
  assert.match(another.find('configuration')?.details.join() ?? '', /sealed with master key .*, which was not given/)
})

test('with DATABASE_URL the database is looked at, and a master key that is missing or another is a problem', async (t) => {
  const { url } = await testDatabase(t)
  await startDaybook(t, { DATABASE_URL: url })
  const right = await doctor({ DATABASE_URL: url, DAYBOOK_MASTER_KEY: MASTER_KEY })
  assert.equal(right.find('secrets')?.level, 'ok')
  assert.equal(right.find('leader')?.level, 'ok')
  assert.equal(right.find('disk'), undefined, 'its disk is elsewhere')

  const without = await doctor({ DATABASE_URL: url })
  assert.equal(without.exitCode, 1)
  assert.equal(without.find('configuration')?.level, 'problem')
  assert.match(without.find('configuration')?.details.join() ?? '', /DAYBOOK_MASTER_KEY/)
  assert.equal(without.find('leader')?.level, 'ok', 'all else is looked at')

  const another = await doctor({ DATABASE_URL: url, DAYBOOK_MASTER_KEY: newMasterKey() })
  assert.equal(another.exitCode, 1)
  assert.match(another.find('configuration')?.details.join() ?? '', /which was not given/)
})

test('what cannot be looked at ends with 2: wrong variables, no database, no answer', async (t) => {
  const wrong = await doctor({ DAYBOOK_PORT: 'x', DAYBOOK_CALLS_MAX: '0' })
  assert.deepEqual([wrong.exitCode, wrong.status], [2, 'cannot_look'])
  const [found] = wrong.findings
  assert.equal(found?.check, 'configuration')
  assert.match(found.details.join('\n'), /^DAYBOOK_PORT: .*\nDAYBOOK_CALLS_MAX: /)

  const path = join(await directory(t), 'nothing')
  const empty = await doctor({ DAYBOOK_DATA_DIR: path })
  assert.deepEqual([empty.exitCode, empty.status], [2, 'cannot_look'])
  await assert.rejects(access(path), 'looking makes no database')

  const DATABASE_URL = 'postgres://daybook:canary-of-the-password@127.0.0.1:9/daybook'
  const away = await doctor({ DATABASE_URL, DAYBOOK_MASTER_KEY: MASTER_KEY })
  assert.deepEqual([away.exitCode, away.status], [2, 'cannot_look'])
  assert.match(away.find('database')?.message ?? '', /cannot be reached: .*ECONNREFUSED/)
})

test('for people there is a line per finding, and what it means', async () => {
  const { exitCode, stdout } = await runDaybook(['doctor'], { DAYBOOK_PORT: 'x' })
  assert.equal(exitCode, 2)
  assert.match(
    stdout,
    /^problem {2}configuration {2}Bad configuration:\n {4}DAYBOOK_PORT: .*\n\nIt cannot be looked at\.\n$/,
  )
})

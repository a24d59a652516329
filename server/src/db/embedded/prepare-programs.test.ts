import assert from 'node:assert/strict'
import { chmod, chown, cp, mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { findPostgresPackage, readPostgresPackage } from './find-package.ts'
import type { PostgresPackage } from './find-package.ts'
import { preparePrograms } from './prepare-programs.ts'
import { runCommand } from './run-command.ts'
import { findServerUser } from './server-user.ts'
import { makeTestDirectory } from './test-directory.ts'
import type { Scope } from './test-directory.ts'

const user = await findServerUser()

/** The package as it is when npm did not run its install script: without any link between the libraries. */
async function installWithoutLinks(t: Scope, mode: number): Promise<PostgresPackage> {
  const { directory } = await findPostgresPackage()
  const copy = join(await makeTestDirectory(t, mode), 'package')
  await cp(directory, copy, { recursive: true, verbatimSymlinks: true, filter: (path) => !path.endsWith('.a') })
  for (const entry of await readdir(join(copy, 'native', 'lib'), { withFileTypes: true })) {
    if (entry.isSymbolicLink()) await rm(join(entry.parentPath, entry.name))
  }
  return readPostgresPackage(copy)
}

let linkless: PostgresPackage
const cleanUps: (() => Promise<void>)[] = []
before(async () => {
  linkless = await installWithoutLinks({ after: (cleanUp) => cleanUps.push(cleanUp) }, 0o755)
})
after(async () => {
  for (const cleanUp of cleanUps) await cleanUp()
})

/** Names and times of everything in a tree. */
async function fingerprint(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true })
  const lines = entries.map(async (name) => `${name} ${(await stat(join(directory, name))).ctimeMs}`)
  return (await Promise.all(lines)).sort()
}

test('without the links a complete copy is made, once, and the installed package stays as it is', async (t) => {
  const place = join(await makeTestDirectory(t), 'programs')
  const before = await fingerprint(linkless.directory)
  const first = await preparePrograms(linkless, user, [place])
  assert.ok(first.postgres.startsWith(place))
  for (const program of [first.initdb, first.pgCtl, first.postgres]) {
    const result = await runCommand(program, ['--version'], { user })
    assert.equal(result.exitCode, 0, result.stderr)
  }
  assert.deepEqual(await fingerprint(linkless.directory), before)

  const copied = await fingerprint(place)
  const again = await Promise.all([1, 2, 3].map(() => preparePrograms(linkless, user, [place])))
  assert.deepEqual(again, [first, first, first])
  assert.deepEqual(await fingerprint(place), copied)
})

test('programs in a directory closed to the server account and without execute bits are copied where it can run them', async (t) => {
  const source = await installWithoutLinks(t, 0o700)
  const bin = join(source.directory, 'native', 'bin')
  for (const name of await readdir(bin)) await chmod(join(bin, name), 0o600)
  const place = join(await makeTestDirectory(t), 'programs')
  const copies = await Promise.all([1, 2].map(() => preparePrograms(source, user, [place])))
  assert.deepEqual(copies[0], copies[1])
  assert.ok(copies[0]?.postgres.startsWith(place))
  assert.equal((await readdir(place)).length, 1)
})

test('a copy that was damaged is made again', async (t) => {
  const place = join(await makeTestDirectory(t), 'programs')
  const first = await preparePrograms(linkless, user, [place])
  await rm(first.initdb)
  assert.deepEqual(await preparePrograms(linkless, user, [place]), first)
  assert.equal((await runCommand(first.initdb, ['--version'], { user })).exitCode, 0)
})

test('a place that others could have prepared is not used', async (t) => {
  const parent = await makeTestDirectory(t)
  const open = join(parent, 'open')
  await mkdir(open)
  await chmod(open, 0o777)
  const foreign = join(parent, 'foreign')
  await mkdir(foreign)
  // Only root can give a directory away.
  if (user) await chown(foreign, user.uid, user.gid)
  else await chmod(foreign, 0o777)
  await assert.rejects(preparePrograms(linkless, user, [open, foreign]), (error: Error) => {
    assert.match(error.message, /open can be written by other users/)
    assert.match(error.message, user ? /foreign belongs to user/ : /foreign can be written/)
    assert.match(error.message, /DATABASE_URL/)
    return true
  })
  const good = join(parent, 'good')
  assert.ok((await preparePrograms(linkless, user, [open, foreign, good])).postgres.startsWith(good))
})

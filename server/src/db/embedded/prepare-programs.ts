import { constants } from 'node:fs'
import { chmod, cp, mkdtemp, readFile, readdir, rename, rm, stat, symlink } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import type { PostgresPackage } from './find-package.ts'
import { makeOwnDirectory } from './own-directory.ts'
import { runCommand } from './run-command.ts'
import type { ServerUser } from './server-user.ts'

/** Paths of PostgreSQL's programs, all of which `user` can run. */
export interface Programs {
  readonly initdb: string
  readonly pgCtl: string
  readonly postgres: string
  readonly user: ServerUser | undefined
  readonly version: string
  readonly major: number
}

/**
 * The package's programs where they lie, when the server's account can run them there. It cannot when the package is below a
 * directory closed to that account, when the links between its libraries are missing because install scripts were blocked, or
 * when files lost their execute bit. Then a complete copy is made once in the first usable directory of `places` and used
 * from then on. The installed package is never changed.
 *
 * Safe to call at once from many processes: a copy appears under its name by one rename, complete, or not at all.
 */
export async function preparePrograms(
  source: PostgresPackage,
  user: ServerUser | undefined,
  places: readonly string[],
): Promise<Programs> {
  const describe = (native: string): Programs => ({
    ...programPaths(native),
    user,
    version: source.version,
    major: source.major,
  })
  const problems: string[] = []
  const works = async (native: string): Promise<boolean> => {
    const problem = await findProblem(native, user)
    if (problem !== undefined) problems.push(problem)
    return problem === undefined
  }

  const installed = join(source.directory, 'native')
  if (await works(installed)) return describe(installed)
  for (const place of places) {
    const copy = join(place, `postgres-${source.version}-${process.platform}-${process.arch}`)
    try {
      await makeOwnDirectory(place)
      if ((await findProblem(copy, user)) !== undefined) await copyPrograms(source.directory, copy, user)
    } catch (error) {
      problems.push(String(error))
      continue
    }
    if (await works(copy)) return describe(copy)
  }
  throw new Error(
    `The built-in PostgreSQL cannot be run${user ? ` by user ${user.name}` : ''}:\n${problems.join('\n')}\n` +
      'Set DATABASE_URL to a PostgreSQL of your own to do without it.',
  )
}

/** `--version` loads every library and touches nothing. */
async function findProblem(native: string, user: ServerUser | undefined): Promise<string | undefined> {
  const { initdb, postgres } = programPaths(native)
  const results = await Promise.all([initdb, postgres].map((program) => runCommand(program, ['--version'], { user })))
  const failed = results.find((result) => result.exitCode !== 0)
  return failed && `${native}: ${failed.stderr}`
}

function programPaths(native: string): { readonly initdb: string; readonly pgCtl: string; readonly postgres: string } {
  const path = (program: string): string =>
    join(native, 'bin', process.platform === 'win32' ? `${program}.exe` : program)
  return { initdb: path('initdb'), pgCtl: path('pg_ctl'), postgres: path('postgres') }
}

async function copyPrograms(packageDirectory: string, target: string, user: ServerUser | undefined): Promise<void> {
  await removeOldDrafts(`${target}.unfinished-`)
  const draft = await mkdtemp(`${target}.unfinished-`)
  try {
    await cp(join(packageDirectory, 'native'), draft, {
      recursive: true,
      verbatimSymlinks: true,
      mode: constants.COPYFILE_FICLONE,
      filter: (path) => !path.endsWith('.a'),
    })
    await openToAll(draft)
    await linkLibraries(draft)
    await rename(draft, target).catch(ignoreCode('EEXIST', 'ENOTEMPTY', 'EPERM'))
    if ((await findProblem(target, user)) === undefined) return
    // Not made by another process just now, but an older copy that no longer works.
    await rm(target, { recursive: true, force: true })
    await rename(draft, target)
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

/** What a process left that was killed while it copied. A copy takes seconds, so one begun an hour ago is nobody's. */
async function removeOldDrafts(prefix: string): Promise<void> {
  for (const name of await readdir(dirname(prefix))) {
    const path = join(dirname(prefix), name)
    if (!path.startsWith(prefix)) continue
    const status = await stat(path).catch(() => undefined)
    if (status && Date.now() - status.ctimeMs > 3_600_000) await rm(path, { recursive: true, force: true })
  }
}

function ignoreCode(...codes: readonly string[]): (error: NodeJS.ErrnoException) => void {
  return (error) => {
    if (!codes.includes(error.code ?? '')) throw error
  }
}

/** Read and enter for everyone; execute for programs. Whatever the umask at install or now was. */
async function openToAll(native: string): Promise<void> {
  if (process.platform === 'win32') return
  await chmod(native, 0o755)
  for (const entry of await readdir(native, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue
    const executable = entry.isDirectory() || basename(entry.parentPath) === 'bin'
    await chmod(join(entry.parentPath, entry.name), executable ? 0o755 : 0o644)
  }
}

/** npm packages cannot hold symbolic links; this list of them is what the package's install script would have made. */
async function linkLibraries(native: string): Promise<void> {
  const list = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  const links: readonly { readonly source: string; readonly target: string }[] = JSON.parse(list)
  for (const { source, target } of links) {
    // Both are relative to the package: native/lib/libpq.so.5.18, native/lib/libpq.so.5.
    const link = join(native, relative('native', target))
    await symlink(relative(dirname(target), source), link).catch(ignoreCode('EEXIST'))
  }
}

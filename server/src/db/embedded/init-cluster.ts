import { randomBytes } from 'node:crypto'
import { chown, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Programs } from './prepare-programs.ts'
import { runCommand } from './run-command.ts'
import { syncDirectory } from './write-durably.ts'

/**
 * Makes a new cluster at `cluster`, whose parent exists and is open to the server's account. Text is UTF-8 and sorted by code
 * point (the builtin locale), so that no library upgrade of the operating system can ever change the order of an index.
 *
 * initdb works in a directory of another name, which gets its own by one rename. Killed in between, it leaves litter that the
 * next attempt removes.
 */
export async function initCluster(options: {
  readonly programs: Programs
  readonly cluster: string
  readonly password: string
  /** False leaves the files to the operating system's caches: for tests only. */
  readonly durable: boolean
}): Promise<void> {
  const { programs, cluster, password, durable } = options
  const { user } = programs
  const home = dirname(cluster)
  const prefix = `${basename(cluster)}.unfinished-`
  for (const name of await readdir(home)) {
    if (name.startsWith(prefix)) await rm(join(home, name), { recursive: true, force: true, maxRetries: 3 })
  }

  const draft = await mkdtemp(join(home, prefix))
  const passwordFile = join(home, `${prefix}${randomBytes(6).toString('hex')}`)
  try {
    await writeFile(passwordFile, `${password}\n`, { flag: 'wx', mode: 0o600 })
    if (user) await Promise.all([draft, passwordFile].map((path) => chown(path, user.uid, user.gid)))
    const result = await runCommand(
      programs.initdb,
      [
        `--pgdata=${draft}`,
        '--username=daybook',
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        '--no-instructions',
        ...(durable ? [] : ['--no-sync']),
      ],
      { user },
    )
    if (result.exitCode !== 0) throw new Error(`The database could not be made in ${home}: ${result.stderr}`)
    await rename(draft, cluster)
    await syncDirectory(home)
  } finally {
    await rm(passwordFile, { force: true })
    await rm(draft, { recursive: true, force: true })
  }
}

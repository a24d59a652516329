import { access, constants } from 'node:fs/promises'
import { runCommand } from './run-command.ts'

/** The account under which PostgreSQL's programs run. Undefined stands for our own. */
export interface ServerUser {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/**
 * PostgreSQL refuses to run as root, and initdb also refuses a user id that has no name. So root lends the server an account
 * that exists on practically every system; anyone else runs it as himself.
 */
export async function findServerUser(): Promise<ServerUser | undefined> {
  if (process.geteuid?.() !== 0) return undefined
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = await Promise.all([runCommand('id', ['-u', name]), runCommand('id', ['-g', name])])
    if (uid.exitCode === 0 && gid.exitCode === 0) return { name, uid: Number(uid.stdout), gid: Number(gid.stdout) }
  }
  throw new Error(
    'PostgreSQL does not run as root, and this system has neither a user "postgres" nor "nobody" to run it. ' +
      'Start Daybook as an ordinary user, or set DATABASE_URL to a PostgreSQL of your own.',
  )
}

/** Whether the server's account may go through `directory` and all of its parents. Asked of the kernel, so ACLs count too. */
export async function canEnter(user: ServerUser | undefined, directory: string): Promise<boolean> {
  if (!user) return access(directory, constants.X_OK).then(always(true), always(false))
  return (await runCommand('test', ['-x', directory], { user })).exitCode === 0
}

const always =
  <T>(value: T) =>
  (): T =>
    value

import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

export interface DirectoryLock {
  /** Safe to call twice. */
  release(): Promise<void>
}

/** SQLite's result code for a lock that another connection holds. */
const SQLITE_BUSY = 5

/** Keeps locks whose owner has been forgotten from being collected as garbage, which would free them. */
const held = new Set<DatabaseSync>()

/**
 * Keeps every other Daybook out of `directory` until it is released or this process ends, however it ends.
 *
 * The lock is the operating system's own byte-range lock on `daybook.lock`, taken through SQLite because Node has no call for
 * it: `begin immediate` on an empty database writes nothing and is granted to exactly one connection, in this process or
 * another. The kernel drops it with the process, so nothing is left behind by `kill -9`, no process id can be mistaken for a
 * newer process's, and two starters at once cannot both win. `daybook.pid` beside it decides nothing; it names the holder in
 * the message that the loser gets.
 */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const holderFile = join(directory, 'daybook.pid')
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(join(directory, 'daybook.lock'))
    // A journal file left by a killed holder would have to be rolled back first, and two who try that at once both fail.
    database.exec('pragma journal_mode = memory; begin immediate')
  } catch (error) {
    database?.close()
    if (!isBusy(error)) throw new Error(`${directory} cannot be locked: ${String(error)}`, { cause: error })
    const holder = (await readFile(holderFile, 'utf8').catch(() => '')).trim()
    throw new Error(
      `Another Daybook${holder === '' ? '' : ` (process ${holder})`} is using ${directory}. ` +
        'Stop it first, or give this one a data directory of its own.',
      { cause: error },
    )
  }
  held.add(database)
  const release = async (): Promise<void> => {
    if (!held.delete(database)) return
    await rm(holderFile, { force: true })
    database.close()
  }
  try {
    await writeFile(holderFile, `${process.pid}\n`)
  } catch (error) {
    await release()
    throw error
  }
  return { release }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY
}

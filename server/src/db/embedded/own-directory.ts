import { chmod, lstat, mkdir } from 'node:fs/promises'

/**
 * Makes `directory` (mode 0755) unless it is there, and refuses one that somebody else could have prepared or could change:
 * what we run and what we store must not come from a place that is open to others, as anything below /tmp may be.
 */
export async function makeOwnDirectory(directory: string): Promise<void> {
  const created = await mkdir(directory, { recursive: true, mode: 0o755 })
  const euid = process.geteuid?.()
  if (euid === undefined) return
  const status = await lstat(directory)
  if (!status.isDirectory()) throw new Error(`${directory} is not a directory`)
  if (status.uid !== euid) throw new Error(`${directory} belongs to user ${status.uid}, not to ${euid}`)
  // A umask of 077 took away what the server's account needs.
  if (created !== undefined) await chmod(directory, 0o755)
  else if ((status.mode & 0o022) !== 0) throw new Error(`${directory} can be written by other users`)
}

import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { writeDurably } from '../db/embedded/write-durably.ts'
import type { MasterKeys } from './master-keys.ts'
import { MasterKeyError, newMasterKey, parseMasterKey } from './master-keys.ts'

/** A key is 45 bytes with its end of line; a file much longer is not a key file. */
const FILE_BYTES_MAX = 16_384

/**
 * Master keys from a file: one per line, the newest first. Empty lines and lines that begin with `#` are skipped. Undefined
 * when there is no such file; {@link MasterKeyError} when it cannot be read, is open to others, or holds no good key.
 */
export async function readMasterKeyFile(path: string): Promise<MasterKeys | undefined> {
  try {
    const file = await open(path, 'r')
    try {
      return await readKeys(file)
    } finally {
      await file.close()
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT') return undefined
    if (error instanceof MasterKeyError) throw new MasterKeyError(`The key file ${path}: ${error.message}`)
    throw new MasterKeyError(`The key file ${path} cannot be read (${String(code ?? error)})`, { cause: error })
  }
}

/** Makes a key and the file that holds it, readable by its owner only; on disk when this resolves. */
export async function makeMasterKeyFile(path: string): Promise<MasterKeys> {
  const key = newMasterKey()
  await writeDurably(path, `${key}\n`)
  return { keys: [parseMasterKey(key)] }
}

async function readKeys(file: FileHandle): Promise<MasterKeys> {
  const status = await file.stat()
  if (!status.isFile()) throw new MasterKeyError('it is not a file')
  if (status.size > FILE_BYTES_MAX) throw new MasterKeyError('it is too long to be one')
  checkOwnership(status)
  const text = await file.readFile('utf8')
  const lines = text.split('\n').map((line, index) => ({ line: line.trim(), number: index + 1 }))
  const keys = lines.filter(({ line }) => line !== '' && !line.startsWith('#')).map(parseLine)
  if (keys.length === 0) throw new MasterKeyError('it holds no key (daybook vault new-key makes one)')
  return { keys }
}

function parseLine({ line, number }: { readonly line: string; readonly number: number }): Uint8Array {
  try {
    return parseMasterKey(line)
  } catch (error) {
    throw new MasterKeyError(`line ${number}: ${error instanceof Error ? error.message : ''}`)
  }
}

/**
 * The rule that PostgreSQL has for its private key: ours and closed to everybody else, or root's and at most readable by the
 * group, as mounted secrets are. Windows has no such modes.
 */
function checkOwnership({ uid, mode }: { readonly uid: number; readonly mode: number }): void {
  const ownUid = process.geteuid?.()
  if (ownUid === undefined) return
  const shown = (mode & 0o777).toString(8).padStart(4, '0')
  if (uid === ownUid && (mode & 0o077) !== 0) {
    throw new MasterKeyError(`others can read it (mode ${shown}); close it with chmod 600`)
  }
  if (uid !== ownUid && uid !== 0) throw new MasterKeyError(`it belongs to user ${uid}, not to us (user ${ownUid})`)
  if (uid !== ownUid && (mode & 0o027) !== 0) {
    throw new MasterKeyError(`others can read it (mode ${shown}); close it with chmod 640`)
  }
}

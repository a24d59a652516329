import { open, rename, stat } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'

const maxBytes = 10 * 1024 * 1024
const tailBytes = 4 * 1024

/**
 * Opens the file that a new server writes its log to, from the end. One that has grown beyond 10 MB becomes `<path>.1` in place
 * of the one before it.
 */
export async function openServerLog(path: string): Promise<FileHandle> {
  const status = await stat(path).catch(() => undefined)
  if (status !== undefined && status.size > maxBytes) await rename(path, `${path}.1`)
  return open(path, 'a', 0o600)
}

/** The last few kilobytes, not reaching back before byte `from`. Empty when there is no log. */
export async function readLogTail(path: string, from = 0): Promise<string> {
  const file = await open(path, 'r').catch(() => undefined)
  if (!file) return ''
  try {
    const { size } = await file.stat()
    const start = Math.max(from, size - tailBytes)
    if (start >= size) return ''
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start)
    return buffer.toString('utf8', 0, bytesRead).trim()
  } finally {
    await file.close()
  }
}

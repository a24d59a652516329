import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findRecordedCluster } from './place-cluster.ts'
import { writeDurably } from './write-durably.ts'

/**
 * The password of the database user `daybook`, from `<dataDir>/postgres.password` (mode 0600). Made at the first start, and stored
 * before the cluster is, so that no cluster exists whose password nobody knows. 32 random bytes, safe in a URL.
 */
export async function loadSuperuserPassword(dataDir: string): Promise<string> {
  const path = join(dataDir, 'postgres.password')
  const stored = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (stored !== undefined) return stored.trim()
  const cluster = await findRecordedCluster(dataDir)
  if (cluster !== undefined)
    throw new Error(`${path} is missing, and the database in ${cluster} cannot be opened without it.`)
  const password = randomBytes(32).toString('base64url')
  await writeDurably(path, `${password}\n`)
  return password
}

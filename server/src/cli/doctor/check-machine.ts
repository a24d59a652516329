import { statfs } from 'node:fs/promises'
import { callsWithin } from '../../webhooks/calls-within.ts'
import type { Finding } from './finding.ts'
import { ok, problem, warning } from './finding.ts'

/** @param limit of open files, of processes that are started from here; Infinity where there is none */
export function judgeDescriptors(limit: number, callsMax: number): Finding {
  if (limit === Infinity) return ok('files', 'No limit of open files')
  const fitting = callsWithin(limit, callsMax)
  if (fitting >= callsMax) return ok('files', `A process may open ${limit} files`)
  return problem(
    'files',
    `A process may open ${limit} files, enough for ${fitting} calls at once instead of ${callsMax}: raise the limit (ulimit -n), or lower DAYBOOK_CALLS_MAX`,
  )
}

export interface Space {
  readonly freeBytes: number
  readonly totalBytes: number
}

const GIB = 1_024 ** 3

/** PostgreSQL stops when it cannot write, and what was being written is what is missing. */
export function judgeSpace({ freeBytes, totalBytes }: Space, where: string): Finding {
  const share = totalBytes > 0 ? freeBytes / totalBytes : 1
  const text = `${(freeBytes / GIB).toFixed(1)} GiB (${Math.floor(share * 100)} %) are free in ${where}`
  if (freeBytes < GIB || share < 0.02) return problem('disk', `${text}: make room before the database stops`)
  return freeBytes < 5 * GIB && share < 0.1 ? warning('disk', text) : ok('disk', text)
}

export async function readSpace(directory: string): Promise<Space> {
  const { bavail, blocks, bsize } = await statfs(directory)
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize }
}

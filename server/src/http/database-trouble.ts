import { sqlState } from '../db/transaction.ts'

/**
 * Whether the database cannot serve us just now, so that the same request may succeed in a moment: no connection, a
 * broken one, a time-out, a server that starts, stops or is full, or rows that stayed contended over all tries.
 */
export function isDatabaseTrouble(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code: unknown = Reflect.get(error, 'code')
  if (typeof code === 'string' && systemCodes.has(code)) return true
  const state = sqlState(error)
  if (state !== undefined) return /^(08|53|57)/.test(state) || contended.has(state)
  return messages.some((message) => error.message.startsWith(message))
}

const systemCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'ENOENT', // the Unix socket of a server that is not up
  'EAI_AGAIN',
])

/** Serialization failure, deadlock, lock not available, and the time-out of an idle transaction. */
const contended = new Set(['40001', '40P01', '55P03', '25P03'])

/** The driver gives these no code. */
const messages = [
  'Connection terminated',
  'Client has encountered a connection error',
  'Client was closed',
  'Query read timeout',
  'timeout exceeded when trying to connect',
  'timeout expired',
  'Cannot use a pool after calling end',
]

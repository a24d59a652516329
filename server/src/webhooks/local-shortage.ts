import { isIPv4 } from 'node:net'

const codes = new Set<unknown>(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'])

/**
 * Whether a connection failed because this machine ran out of something. Of several addresses one is enough: the others
 * might have answered.
 */
export function isLocalShortage(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isLocalShortage)
  if (!(error instanceof Error) || !('code' in error)) return false
  // All ports are taken. It is also what a machine without IPv6 says of an IPv6 address, which is no shortage.
  if (error.code === 'EADDRNOTAVAIL') return 'address' in error && isIPv4(String(error.address))
  return codes.has(error.code)
}

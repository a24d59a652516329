import { Resolver } from 'node:dns/promises'

/** What name servers say of a name. No addresses: it has none, or nobody answered in time. */
export interface NameAnswer {
  readonly addresses: readonly string[]
  /** For how long it holds: the shortest of its records. */
  readonly ttlSeconds: number
}

interface AddressRecord {
  readonly address: string
  readonly ttl: number
}

/** How long the second address family may lag behind the first that has addresses. */
const otherFamilyMs = 1_000
/** Per question and server, the first time; it grows with each repetition. */
const answerTimeoutMs = 1_500

/**
 * Asks for A and AAAA records at once, over sockets of its own (c-ares): neither the threads that files and `dns.lookup`
 * share nor another look-up wait for it. Takes `limitMs` at most. Never rejects. The hosts file is not read.
 *
 * A resolver per look-up costs some 25 microseconds. It notices changed system settings, asks from a fresh port, and can
 * be given up alone.
 */
export async function queryAddresses(host: string, servers: readonly string[], limitMs: number): Promise<NameAnswer> {
  const resolver = new Resolver({ timeout: answerTimeoutMs, tries: 3 })
  if (servers.length > 0) resolver.setServers(servers)
  const giveUp = (): void => resolver.cancel()
  const limit = setTimeout(giveUp, limitMs)
  let lag: NodeJS.Timeout | undefined
  const answered = (records: readonly AddressRecord[]): readonly AddressRecord[] => {
    if (records.length > 0) lag ??= setTimeout(giveUp, otherFamilyMs)
    return records
  }
  const none = (): readonly AddressRecord[] => []
  const families = await Promise.all([
    resolver.resolve4(host, { ttl: true }).then(answered, none),
    resolver.resolve6(host, { ttl: true }).then(answered, none),
  ])
  clearTimeout(limit)
  clearTimeout(lag)
  const records = families.flat()
  const ttlSeconds = records.reduce((least, { ttl }) => Math.min(least, ttl), Infinity)
  return { addresses: records.map(({ address }) => address), ttlSeconds }
}

import { isIP } from 'node:net'

/** Name servers as `ip`, `ip:port` or `[ip]:port`; or the word that leaves names to the egress proxy. */
export type DnsServers = readonly string[] | 'proxy'

/**
 * Reads `DAYBOOK_DNS_SERVERS`: a list with commas, or `proxy`. Empty: the system's name servers. Throws an `Error` that
 * quotes the first entry that is none.
 */
export function parseDnsServers(text: string): DnsServers {
  if (text.trim() === 'proxy') return 'proxy'
  const servers = text.split(',').map((entry) => entry.trim())
  for (const server of servers) {
    if (server !== '' && !isServer(server)) throw new Error(`"${server}" is no address with or without a port`)
  }
  return servers.filter((server) => server !== '')
}

function isServer(text: string): boolean {
  if (isIP(text) !== 0) return true
  const [, v6, v4, port = '53'] = /^(?:\[([^\]]+)\]|([\d.]+))(?::(\d{1,5}))?$/.exec(text) ?? []
  const isAddress = v6 === undefined ? isIP(v4 ?? '') === 4 : isIP(v6) === 6
  return isAddress && Number(port) >= 1 && Number(port) <= 65_535
}

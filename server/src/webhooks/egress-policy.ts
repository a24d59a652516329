/**
 * Which places a webhook may go to. Pure: no look-up, no socket.
 *
 * The rule is "plain public unicast addresses over https, nothing else, and never this machine", and one list of the
 * operator's (`DAYBOOK_EGRESS_ALLOW`) that opens more. It is asked twice, and the second answer is the one that protects:
 *
 * 1. `checkWebhookUrl`, when a subscription is saved and again before it is called, looks at the URL alone. It settles
 *    everything that is written in the URL (scheme, port, address literals) and gives people an early answer.
 * 2. `mayConnectTo`, at the socket, looks at the very address that is about to be dialled. What a name resolves to is
 *    only known there, and may differ from call to call.
 *
 * What the list opens: an address inside a listed network may be called. On `http:` too, but there only by the address itself
 * or an inside name (`localhost`, one without a dot, one under `.internal`): of a public-looking name that is not listed the
 * URL is refused. A listed name may resolve to anything and be called on `http:`. Plain http to anything unlisted is never sent,
 * public or not; so `http://localhost:3000` under the list `127.0.0.0/8` works if all its addresses are 127.x.
 * An entry after `!` closes instead, and wins: the names under which this Daybook itself is reached, so that no webhook
 * publishes to it in a loop, or a translation prefix (NAT64) that leads inside from this very network.
 */
import ipaddr from 'ipaddr.js'

type Address = ipaddr.IPv4 | ipaddr.IPv6

type Network = readonly [Address, number]

/** The operator's exceptions, parsed. Host names are lower-case, without a trailing dot. */
export interface EgressAllow {
  /** What it was parsed from; a thread gets the text and parses it anew. */
  readonly text: string
  readonly networks: readonly Network[]
  readonly hosts: ReadonlySet<string>
  readonly refusedNetworks: readonly Network[]
  readonly refusedHosts: ReadonlySet<string>
}

export type UrlRefusal =
  | 'malformed'
  | 'too_long'
  | 'scheme_not_allowed'
  | 'https_required'
  | 'userinfo_not_allowed'
  | 'port_not_allowed'
  | 'local_host_name'
  | 'refused_host'
  | 'blocked_address'

type UrlCheck =
  | { readonly ok: true; readonly url: URL }
  | { readonly ok: false; readonly code: UrlRefusal; readonly message: string }

const maxUrlLength = 2048

/** Special blocks that `ipaddr.js` 2.5.0 files under plain unicast, or not under their own name. */
const extraSpecialNetworks = [
  '168.63.129.16/32', // the wire server inside Azure's virtual networks
  '192.88.99.0/24', // 6to4 relay anycast, RFC 7526
  '2001::/23', // IETF protocol assignments, RFC 2928
  '3fff::/20', // documentation, RFC 9637
].map((text): Network => ipaddr.parseCIDR(text))

/** Ports of services that are not web servers: a POST must not be able to speak to them. */
const blockedPorts = new Set([
  0, 7, 9, 11, 13, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 79, 87, 95, 101, 102, 103, 104, 109, 110, 111, 113,
  115, 117, 119, 123, 135, 137, 138, 139, 143, 161, 162, 179, 389, 427, 445, 465, 512, 513, 514, 515, 526, 530, 531,
  532, 540, 548, 554, 556, 563, 587, 601, 623, 636, 873, 989, 990, 992, 993, 995, 1080, 1433, 1521, 1719, 1720, 1723,
  2049, 2181, 2375, 2376, 2379, 2380, 3128, 3306, 3389, 4045, 4190, 4222, 5060, 5061, 5432, 5671, 5672, 5900, 5984,
  6000, 6379, 6380, 6443, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 9042, 9092, 9160, 9200, 9300, 10080, 10250,
  11211, 26257, 27017, 27018, 27019,
])

/** Endings of names that exist only inside somebody's network (RFC 6761, 6762, 8375, ICANN's `internal`, habit). */
const localSuffixes = [
  'localhost',
  'local',
  'internal',
  'intranet',
  'private',
  'lan',
  'home',
  'corp',
  'svc',
  'home.arpa',
]

const loopback = ['127.0.0.1', '::1']

const hostNamePattern = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/

/**
 * Reads the operator's list: networks (`10.0.0.0/8`, `fd00::/8`), single addresses and host names, separated by commas
 * or white space, each refused instead of allowed after a `!`. Throws an `Error` that quotes the first entry it does not
 * understand.
 */
export function parseEgressAllow(text: string): EgressAllow {
  const allowed = { networks: [] as Network[], hosts: new Set<string>() }
  const refused = { networks: [] as Network[], hosts: new Set<string>() }
  for (const entry of text.split(/[\s,]+/).filter((part) => part !== '')) {
    const list = entry.startsWith('!') ? refused : allowed
    const place = entry.replace(/^!/, '')
    const network = parseNetwork(place)
    if (network) list.networks.push(network)
    else list.hosts.add(parseHostName(place))
  }
  return { text, ...allowed, refusedNetworks: refused.networks, refusedHosts: refused.hosts }
}

/**
 * True for addresses that any host of the internet may be asked at: no private, loopback, link-local, shared,
 * documentation, multicast, transition or reserved block. IPv4 inside IPv6 (`::ffff:0:0/96`) is judged as IPv4; of IPv6
 * only 2000::/3 is given out at all. Text that is not an address in its usual form is not public.
 */
export function isPublicUnicast(address: string): boolean {
  const parsed = parseAddress(address)
  if (!parsed || parsed.range() !== 'unicast') return false
  if (parsed instanceof ipaddr.IPv6 && (((parsed.parts[0] ?? 0) & 0xe000) !== 0x2000 || isIsatap(parsed))) return false
  return !isInside(parsed, extraSpecialNetworks)
}

/** An IPv4 address as interface identifier `[02]00:5efe:a.b.c.d` (RFC 5214 section 6.1), under whatever prefix. */
function isIsatap({ parts }: ipaddr.IPv6): boolean {
  return parts[5] === 0x5efe && ((parts[4] ?? 0) & 0xfdff) === 0
}

/** True when the operator's list names the host, or a network the address is in. */
function isAllowListed(address: string, hostname: string, allow: EgressAllow): boolean {
  const parsed = parseAddress(address)
  if (isRefused(parsed, hostname, allow)) return false
  if (allow.hosts.has(canonicalHost(hostname))) return true
  return parsed !== null && isInside(parsed, allow.networks)
}

function isRefused(address: Address | null, hostname: string, allow: EgressAllow): boolean {
  if (allow.refusedHosts.size > 0 && allow.refusedHosts.has(canonicalHost(hostname))) return true
  return address !== null && isInside(address, allow.refusedNetworks)
}

/**
 * The check at the socket: may it be opened to this address, to which this host name led? `own` tells this
 * machine's addresses (`canonicalAddress`), and is not asked about listed ones. Unencrypted only to what the operator listed.
 */
export function mayConnectTo(
  protocol: string,
  address: string,
  hostname: string,
  allow: EgressAllow,
  own: () => ReadonlySet<string>,
): boolean {
  if (isAllowListed(address, hostname, allow)) return true
  if (protocol !== 'https:' || !isPublicUnicast(address)) return false
  return !isRefused(parseAddress(address), hostname, allow) && !own().has(canonicalAddress(address))
}

/** May a name be called whose addresses another (the operator's proxy) looks up and judges? */
export function mayCallUnresolved(protocol: string, hostname: string, allow: EgressAllow): boolean {
  const host = canonicalHost(hostname)
  if (allow.refusedHosts.has(host)) return false
  return allow.hosts.has(host) || (protocol === 'https:' && !isLocalName(host))
}

/** One spelling per address: the shortest, and IPv4 where it is embedded. Other text is returned as it is. */
export function canonicalAddress(text: string): string {
  return parseAddress(text)?.toString() ?? text
}

/** `localhost` and all below it: this machine by definition (RFC 6761 section 6.3), whoever is asked. */
export function isLocalhost(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost')
}

/**
 * The addresses of `localhost` without asking anybody: of the two, those that the operator opened. Both if none is, or if
 * the name itself is listed.
 */
export function localhostAddresses(host: string, allow: EgressAllow): readonly string[] {
  const listed = loopback.filter((address) => isAllowListed(address, host, allow))
  return listed.length > 0 ? listed : loopback
}

/**
 * Judges a webhook URL by its text. The answer's `url` is the WHATWG-parsed form and is what has to be stored and
 * called; every rule looks at that form, so `http:2130706433`, `0x7f.1` and `①②⑦.⓪.⓪.①` are 127.0.0.1 here.
 *
 * For a name that the list does not hold, networks in the list count as follows: `localhost` is accepted if a loopback
 * address is listed, other inside names if any network is listed, and both then on plain http too, because the socket
 * decides. A public-looking name has to be listed itself to be called on plain http.
 */
export function checkWebhookUrl(text: string, allow: EgressAllow): UrlCheck {
  if (text.length > maxUrlLength) return refuse('too_long', `The URL is longer than ${maxUrlLength} characters.`)
  const url = URL.parse(text)
  if (!url) return refuse('malformed', 'The URL cannot be parsed.')
  if (url.href.length > maxUrlLength) return refuse('too_long', `The URL is longer than ${maxUrlLength} characters.`)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    return refuse('scheme_not_allowed', 'The URL must begin with https://.')
  }
  if (url.username !== '' || url.password !== '') {
    return refuse('userinfo_not_allowed', 'The URL must not hold a user name or password.')
  }
  if (url.port !== '' && blockedPorts.has(Number(url.port))) {
    return refuse('port_not_allowed', `Port ${url.port} does not belong to a web server.`)
  }
  const refusal = checkHost(canonicalHost(url.hostname), url.protocol, allow)
  return refusal ?? { ok: true, url }
}

/** The host as the list and the classifier see it: no brackets around IPv6, lower case, no trailing dot. */
export function canonicalHost(hostname: string): string {
  return hostname
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase()
}

/** True for an IPv4 or IPv6 address in its usual form (`127.1` is none). */
export function isAddress(host: string): boolean {
  return parseAddress(host) !== null
}

function checkHost(host: string, protocol: string, allow: EgressAllow): UrlCheck | null {
  if (isRefused(parseAddress(host), host, allow)) return refuse('refused_host', 'Webhooks to this host are refused.')
  if (allow.hosts.has(host)) return null
  if (isAddress(host)) {
    if (isAllowListed(host, host, allow)) return null
    if (!isPublicUnicast(host)) return refuse('blocked_address', 'The URL names an address that is not public.')
  } else if (isLocalName(host)) {
    if (couldResolveToListed(host, allow)) return null
    return refuse('local_host_name', 'The URL names a host that exists only inside a network.')
  } else if (!hostNamePattern.test(host)) {
    return refuse('malformed', 'The host of the URL is not a host name.')
  }
  return protocol === 'https:' ? null : refuse('https_required', 'The URL must begin with https://.')
}

function isLocalName(host: string): boolean {
  return !host.includes('.') || localSuffixes.some((suffix) => host.endsWith(`.${suffix}`))
}

function couldResolveToListed(host: string, allow: EgressAllow): boolean {
  if (!isLocalhost(host)) return allow.networks.length > 0
  return loopback.some((address) => isAllowListed(address, host, allow))
}

function refuse(code: UrlRefusal, message: string): UrlCheck {
  return { ok: false, code, message }
}

/** Strict on purpose: `ipaddr.js` alone would also take `127.1`, `0x7f.1` and octal parts. */
function parseAddress(text: string): Address | null {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text)
  if (!text.includes(':') || !ipaddr.IPv6.isValid(text)) return null
  const parsed = ipaddr.IPv6.parse(text)
  return parsed.isIPv4MappedAddress() ? parsed.toIPv4Address() : parsed
}

function parseNetwork(entry: string): Network | null {
  const match = /^\[?([^[\]/%]+)\]?(?:\/(\d{1,3}))?$/.exec(entry)
  const address = match?.[1] === undefined ? null : parseAddress(match[1])
  if (!match || !address) return null
  const width = address instanceof ipaddr.IPv4 ? 32 : 128
  // `::ffff:10.0.0.0/104` is written in 128 bits, and means 10.0.0.0/8.
  const embedded = width === 32 && entry.includes(':') ? 96 : 0
  const bits = match[2] === undefined ? width : Number(match[2]) - embedded
  if (bits < 0 || bits > width) throw new Error(`The egress allow list has a network with a wrong length: "${entry}"`)
  return [address, bits]
}

function parseHostName(entry: string): string {
  const host = canonicalHost(entry)
  // A host whose last label is a number would be read as an IPv4 address by every URL parser.
  if (entry.startsWith('[') || !hostNamePattern.test(host) || /(^|\.)(\d+|0x[0-9a-f]*)$/.test(host)) {
    throw new Error(`The egress allow list has an entry that is no network, address or host name: "${entry}"`)
  }
  return host
}

function isInside(address: Address, networks: readonly Network[]): boolean {
  return networks.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits))
}

/**
 * Opens a socket to a webhook's host, and only to addresses the policy lets through.
 *
 * A name is resolved here, every address of the answer has to pass, and the socket dials exactly those addresses: no
 * second look-up happens that a hostile name server could answer differently. Address literals never reach a look-up,
 * so they are checked by themselves. After connecting, the peer's address is checked once more, before a byte of the
 * request is written. Proxies named in the environment are not used. TLS is always verified, 1.2 or later.
 */
import { lookup } from 'node:dns/promises'
import { connect as connectTcp, isIP, type LookupFunction, type Socket } from 'node:net'
import { connect as connectTls, createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import { canonicalHost, type EgressAllow, isAddress, mayConnectTo } from './egress-policy.ts'
import { PostFailure } from './post-result.ts'

/** All addresses of a name. Rejects, or answers an empty list, when it has none. */
export type ResolveHost = (hostname: string) => Promise<readonly string[]>

export interface ConnectPolicy {
  readonly allow: EgressAllow
  readonly resolve: ResolveHost
  readonly tls: SecureContext
  /** For TCP and TLS together. */
  readonly connectTimeoutMs: number
}

interface ConnectTarget {
  /** `http:` or `https:` */
  readonly protocol: string
  /** As in a URL: IPv6 may stand in brackets. */
  readonly hostname: string
  readonly port: number
}

/** A connection on its way. The fields are filled in as it goes. */
export interface Connecting {
  phase: 'resolving' | 'connecting' | 'settled'
  dnsMs?: number
  connectMs?: number
  /** Gives up without calling back; safe at any time. Once the socket was handed over it does nothing. */
  cancel(): void
}

type ConnectDone = (...outcome: [error: PostFailure, socket: null] | [error: null, socket: Socket]) => void

/** Asks the operating system, `/etc/hosts` included. */
export const resolveWithSystem: ResolveHost = async (hostname) =>
  (await lookup(hostname, { all: true })).map(({ address }) => address)

/** Verification settings, to be made once and shared: reading the root certificates takes milliseconds. */
export function createVerifyingContext(ca?: string): SecureContext {
  return createSecureContext({
    minVersion: 'TLSv1.2',
    // `ca` would replace the default roots; an operator's authority comes in addition.
    ...(ca === undefined ? {} : { ca: [...getCACertificates('default'), ca] }),
  })
}

/** How long one of several addresses may take before the next is tried. */
const nextAddressAfterMs = 500

/**
 * Calls `done` once: with a socket that is connected (and, for https, verified), or with the failure. Never after
 * `cancel`, and never before it has returned.
 */
export function connectGuarded(target: ConnectTarget, policy: ConnectPolicy, done: ConnectDone): Connecting {
  const host = canonicalHost(target.hostname)
  let socket: Socket | null = null
  let timer: NodeJS.Timeout | undefined
  const connecting: Connecting = { phase: 'resolving', cancel: () => void close() }

  /** Ends it without a socket; true the first time. */
  function close(): boolean {
    if (connecting.phase === 'settled') return false
    connecting.phase = 'settled'
    clearTimeout(timer)
    socket?.destroy()
    return true
  }
  function fail(failure: PostFailure): void {
    if (close()) done(failure, null)
  }
  function dial(addresses: readonly string[]): void {
    if (connecting.phase === 'settled') return
    connecting.phase = 'connecting'
    const dialledAt = performance.now()
    timer = setTimeout(() => fail(new PostFailure('connect_timeout', 'No connection in time')), policy.connectTimeoutMs)
    const opened = openSocket(target, host, addresses, policy.tls)
    socket = opened
    let tcpConnected = false
    opened.once('connect', () => {
      tcpConnected = true
      const peer = opened.remoteAddress
      if (peer !== undefined && !mayConnectTo(target.protocol, peer, host, policy.allow)) fail(blocked())
    })
    opened.once(target.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
      if (connecting.phase === 'settled') return
      connecting.phase = 'settled'
      connecting.connectMs = performance.now() - dialledAt
      clearTimeout(timer)
      done(null, opened)
    })
    // These stay on the socket for its whole life: without a listener an error would end the process.
    opened.on('error', (error) => fail(connectFailure(error, tcpConnected)))
    opened.once('close', () => fail(connectFailure(undefined, tcpConnected)))
  }

  checkedAddresses(target, host, policy, connecting).then(dial, fail)
  return connecting
}

/** The addresses to dial, each of which passed. Rejects with a `PostFailure` only. */
async function checkedAddresses(
  target: ConnectTarget,
  host: string,
  policy: ConnectPolicy,
  connecting: Connecting,
): Promise<readonly string[]> {
  let addresses: readonly string[] = [host]
  if (!isAddress(host)) {
    const startedAt = performance.now()
    addresses = await resolveOrNone(host, policy.resolve)
    connecting.dnsMs = performance.now() - startedAt
  }
  if (addresses.length === 0) throw new PostFailure('dns_error', 'The host name could not be resolved')
  // One bad address among good ones refuses the host: which of them is dialled would be left to chance, or to an attacker.
  if (!addresses.every((address) => mayConnectTo(target.protocol, address, host, policy.allow))) throw blocked()
  return addresses
}

async function resolveOrNone(host: string, resolve: ResolveHost): Promise<readonly string[]> {
  try {
    return await resolve(host)
  } catch {
    return []
  }
}

function openSocket(target: ConnectTarget, host: string, addresses: readonly string[], tls: SecureContext): Socket {
  const checked = addresses.map((address) => ({ address, family: isIP(address) }))
  // Node asks for all addresses when it tries families in turn, and for one otherwise.
  const lookupChecked: LookupFunction = (_hostname, options, callback) => {
    const first = checked[0]
    if (options.all) callback(null, checked)
    else callback(null, first?.address ?? '', first?.family)
  }
  const options = {
    host,
    port: target.port,
    lookup: lookupChecked,
    noDelay: true,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: nextAddressAfterMs,
  }
  if (target.protocol !== 'https:') return connectTcp(options)
  return connectTls({
    ...options,
    secureContext: tls,
    // Said explicitly, so that NODE_TLS_REJECT_UNAUTHORIZED cannot switch it off.
    rejectUnauthorized: true,
    ALPNProtocols: ['http/1.1'],
    // Server names are names (RFC 6066 section 3); an address is verified against the certificate as `host`.
    ...(isAddress(host) ? {} : { servername: host }),
  })
}

function blocked(): PostFailure {
  return new PostFailure('blocked_address', 'The host has an address that may not be called')
}

/** Error codes are passed on for TLS only: they name what is wrong with a certificate and never an address. */
function connectFailure(error: NodeJS.ErrnoException | undefined, tcpConnected: boolean): PostFailure {
  const code = error?.code ?? 'ECONNRESET'
  if (tcpConnected) return new PostFailure('tls_error', `The TLS handshake failed (${code})`)
  if (code === 'ECONNREFUSED') return new PostFailure('connect_refused', 'The host refused the connection')
  if (code === 'ETIMEDOUT') return new PostFailure('connect_timeout', 'No connection in time')
  return new PostFailure('connect_failed', 'No connection to the host could be made')
}

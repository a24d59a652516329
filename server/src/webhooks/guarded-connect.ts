/**
 * Opens a socket to a webhook's host, and only to addresses the policy lets through.
 *
 * A name is resolved here, every address of the answer has to pass, and the socket dials exactly those addresses: no
 * second look-up happens that a hostile name server could answer differently. Address literals never reach a look-up,
 * so they are checked by themselves. After connecting, the peer's address is checked once more, before a byte of the
 * request is written. Proxies named in the environment are not used. TLS is always verified, 1.2 or later.
 *
 * With an egress proxy the same checks come first, and the proxy is asked for a tunnel to one of the checked addresses.
 * Where names are left to the proxy, it is asked for the name; then looking up and judging addresses is the proxy's duty.
 */
import { connect, isIP, type LookupFunction, type Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import { canonicalHost, type EgressAllow, isAddress, mayCallUnresolved, mayConnectTo } from './egress-policy.ts'
import { type EgressProxy, openTunnel, proxyFailure } from './egress-proxy.ts'
import { isLocalShortage } from './local-shortage.ts'
import { PostFailure } from './post-result.ts'
import type { ResolveHost } from './resolve-host.ts'
import { connectVerified, tlsFailure } from './webhook-tls.ts'

export interface ConnectPolicy {
  readonly allow: EgressAllow
  readonly resolve: ResolveHost
  /** This machine's addresses at this moment, as `canonicalAddress` writes them. */
  readonly ownAddresses: () => ReadonlySet<string>
  readonly tls: SecureContext
  /** For TCP, proxy and TLS together. */
  readonly connectTimeoutMs: number
  readonly proxy?: ProxyPolicy
}

export interface ProxyPolicy extends EgressProxy {
  /** False: names are given to the proxy as they are. */
  readonly namesResolvedHere: boolean
  /** The proxy's own addresses. */
  readonly resolve: ResolveHost
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
  /** `proxying` until the egress proxy has opened its tunnel. */
  phase: 'resolving' | 'proxying' | 'connecting' | 'settled'
  dnsMs?: number
  connectMs?: number
  /** Gives up without calling back; safe at any time. Once the socket was handed over it does nothing. */
  cancel(): void
}

type ConnectDone = (...outcome: [error: PostFailure, socket: null] | [error: null, socket: Socket]) => void

/** How long one of several addresses may take before the next is tried. */
const nextAddressAfterMs = 500

/**
 * Calls `done` once: with a socket that is connected (and, for https, verified), or with the failure. Never after
 * `cancel`, and never before it has returned. `companyId`: who waits for the look-up.
 */
export function connectGuarded(
  target: ConnectTarget,
  policy: ConnectPolicy,
  companyId: string | undefined,
  done: ConnectDone,
): Connecting {
  const { proxy } = policy
  const host = canonicalHost(target.hostname)
  const isTls = target.protocol === 'https:'
  let socket: Socket | null = null
  let timer: NodeJS.Timeout | undefined
  let startedAt = 0
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
  function handOver(ready: Socket): void {
    if (connecting.phase === 'settled') return
    connecting.phase = 'settled'
    connecting.connectMs = performance.now() - startedAt
    clearTimeout(timer)
    done(null, ready)
  }
  /** For the socket's whole life: without a listener an error would end the process. */
  function watch(opened: Socket, failureOf: (error?: NodeJS.ErrnoException) => PostFailure): void {
    socket = opened
    opened.on('error', (error) => fail(failureOf(error)))
    opened.once('close', () => fail(failureOf()))
  }
  function begin(phase: 'proxying' | 'connecting'): void {
    connecting.phase = phase
    startedAt = performance.now()
    timer = setTimeout(() => fail(timeoutIn(connecting.phase)), policy.connectTimeoutMs)
  }

  function dial(addresses: readonly string[]): void {
    if (connecting.phase === 'settled') return
    begin('connecting')
    const dialled = dialOptions(target.port, addresses)
    const opened = isTls ? connectVerified(host, policy.tls, dialled) : connect({ ...dialled, host })
    let tcpConnected = false
    watch(opened, (error) => (tcpConnected ? tlsFailure(error) : connectFailure(error)))
    opened.once('connect', () => {
      tcpConnected = true
      const failure = judgePeer(opened.remoteAddress, target.protocol, host, policy)
      if (failure) fail(failure)
    })
    opened.once(isTls ? 'secureConnect' : 'connect', () => handOver(opened))
  }

  function dialProxy(through: ProxyPolicy, proxyAddresses: readonly string[], destination: string): void {
    if (connecting.phase === 'settled') return
    if (proxyAddresses.length === 0) return fail(proxyFailure('its name could not be resolved'))
    begin('proxying')
    const unreachable = proxyFailure('it closed the connection, or cannot be reached')
    const opened = connect({ ...dialOptions(through.port, proxyAddresses), host: through.host })
    watch(opened, (error) => {
      if (connecting.phase !== 'proxying') return tlsFailure(error)
      return isLocalShortage(error) ? shortage() : unreachable
    })
    opened.once('connect', () => {
      openTunnel(opened, through, { host: destination, port: target.port }, (failure) => {
        if (failure) return fail(failure)
        if (!isTls) return handOver(opened)
        if (connecting.phase === 'settled') return
        connecting.phase = 'connecting'
        const secured = connectVerified(host, policy.tls, { socket: opened })
        watch(secured, tlsFailure)
        secured.once('secureConnect', () => handOver(secured))
      })
    })
  }

  async function goThrough(through: ProxyPolicy, addresses: readonly string[]): Promise<void> {
    const proxyAddresses = isAddress(through.host) ? [through.host] : await resolveOrNone(through.host, through.resolve)
    dialProxy(through, proxyAddresses, addresses[0] ?? host)
  }

  const checked = checkedAddresses(target, host, policy, connecting, companyId)
  checked.then(proxy ? (addresses) => goThrough(proxy, addresses) : dial, fail)
  return connecting
}

/** The addresses to dial, each of which passed; none when the proxy looks them up. Rejects with a `PostFailure` only. */
async function checkedAddresses(
  target: ConnectTarget,
  host: string,
  policy: ConnectPolicy,
  connecting: Connecting,
  companyId: string | undefined,
): Promise<readonly string[]> {
  let addresses: readonly string[] = [host]
  if (!isAddress(host)) {
    if (policy.proxy?.namesResolvedHere === false) return unresolved(target, host, policy.allow)
    const startedAt = performance.now()
    addresses = await resolveOrNone(host, policy.resolve, companyId)
    connecting.dnsMs = performance.now() - startedAt
  }
  if (addresses.length === 0) throw new PostFailure('dns_error', 'The host name could not be resolved')
  // One bad address among good ones refuses the host: which of them is dialled would be left to chance, or to an attacker.
  const { allow, ownAddresses } = policy
  if (!addresses.every((address) => mayConnectTo(target.protocol, address, host, allow, ownAddresses))) throw blocked()
  return addresses
}

/** Never throws: it is called by the socket. */
function judgePeer(
  peer: string | undefined,
  protocol: string,
  host: string,
  { allow, ownAddresses }: ConnectPolicy,
): PostFailure | undefined {
  if (peer === undefined) return connectFailure(undefined)
  try {
    return mayConnectTo(protocol, peer, host, allow, ownAddresses) ? undefined : blocked()
  } catch (error) {
    return error instanceof PostFailure ? error : connectFailure(undefined)
  }
}

function unresolved(target: ConnectTarget, host: string, allow: EgressAllow): readonly string[] {
  if (!mayCallUnresolved(target.protocol, host, allow)) throw blocked()
  return []
}

async function resolveOrNone(host: string, resolve: ResolveHost, companyId?: string): Promise<readonly string[]> {
  try {
    return await resolve(host, companyId)
  } catch {
    return []
  }
}

/** What makes Node dial these addresses and no other, whatever the host is called. */
function dialOptions(port: number, addresses: readonly string[]) {
  const checked = addresses.map((address) => ({ address, family: isIP(address) }))
  // Node asks for all addresses when it tries families in turn, and for one otherwise.
  const lookup: LookupFunction = (_hostname, options, callback) => {
    const first = checked[0]
    if (options.all) callback(null, checked)
    else callback(null, first?.address ?? '', first?.family)
  }
  return {
    port,
    lookup,
    noDelay: true,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: nextAddressAfterMs,
  }
}

function blocked(): PostFailure {
  return new PostFailure('blocked_address', 'The host has an address that may not be called')
}

function shortage(): PostFailure {
  return new PostFailure('local_shortage', 'This machine had no descriptor, port or memory left for a connection')
}

function timeoutIn(phase: Connecting['phase']): PostFailure {
  if (phase === 'proxying') return proxyFailure('it did not answer in time')
  return new PostFailure('connect_timeout', 'No connection in time')
}

function connectFailure(error: NodeJS.ErrnoException | undefined): PostFailure {
  if (isLocalShortage(error)) return shortage()
  if (error?.code === 'ECONNREFUSED') return new PostFailure('connect_refused', 'The host refused the connection')
  if (error?.code === 'ETIMEDOUT') return new PostFailure('connect_timeout', 'No connection in time')
  return new PostFailure('connect_failed', 'No connection to the host could be made')
}

import { X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import { connect, createSecureContext, getCACertificates, type ConnectionOptions, type SecureContext } from 'node:tls'
import { isAddress } from './egress-policy.ts'
import { PostFailure } from './post-result.ts'

/** Verification settings, to be made once and shared: reading the root certificates takes milliseconds. */
export function createVerifyingContext(ca?: string): SecureContext {
  return createSecureContext({
    minVersion: 'TLSv1.2',
    // `ca` would replace the default roots; an operator's authority comes in addition.
    ...(ca === undefined ? {} : { ca: [...getCACertificates('default'), ca] }),
  })
}

/**
 * Checks that a text holds certificates as PEM, one or more, and returns it. Throws an `Error` that says what is wrong. Node
 * itself passes over what it cannot read, and every call would fail later.
 */
export function parseAuthorities(pem: string): string {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []
  if (blocks.length === 0) throw new Error('holds no certificate in PEM form')
  const bad = blocks.findIndex((block) => !isCertificate(block))
  if (bad >= 0) throw new Error(`certificate ${bad + 1} of ${blocks.length} cannot be read`)
  return pem
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0
  } catch {
    return false
  }
}

/** TLS to a webhook's host: chain, host name and dates verified, HTTP/1.1 only. `options` say where, or over which socket. */
export function connectVerified(
  host: string,
  context: SecureContext,
  options: ConnectionOptions & { readonly socket?: Socket },
): Socket {
  return connect({
    ...options,
    host,
    secureContext: context,
    // Said explicitly, so that NODE_TLS_REJECT_UNAUTHORIZED cannot switch it off.
    rejectUnauthorized: true,
    ALPNProtocols: ['http/1.1'],
    // Server names are names (RFC 6066 section 3); an address is verified against the certificate as `host`.
    ...(isAddress(host) ? {} : { servername: host }),
  })
}

/** By the codes of OpenSSL's verification and of Node. */
const whatFailed: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'the certificate has expired',
  CERT_NOT_YET_VALID: 'the certificate is not valid yet',
  CERT_REVOKED: 'the certificate was revoked',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the certificate is self-signed',
  ERR_TLS_CERT_ALTNAME_INVALID: 'the certificate is for another host name',
  SELF_SIGNED_CERT_IN_CHAIN: 'the certificate is of an unknown authority',
  UNABLE_TO_GET_ISSUER_CERT: 'the certificate is of an unknown authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the certificate is of an unknown authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the certificate is of an unknown authority',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'the host does not speak TLS 1.2 or later',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'the host does not speak TLS 1.2 or later',
  ERR_SSL_WRONG_VERSION_NUMBER: 'the host does not speak TLS on this port',
  ECONNRESET: 'the host closed the connection',
}

/** The failure of a handshake. Codes are safe to show: they tell of certificates and protocols, and never an address. */
export function tlsFailure(error: NodeJS.ErrnoException | undefined): PostFailure {
  const code = error?.code ?? 'ECONNRESET'
  const what = whatFailed[code]
  return new PostFailure('tls_error', `The TLS handshake failed${what ? `: ${what}` : ''} (${code})`)
}

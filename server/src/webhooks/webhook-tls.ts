import { X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import { connect, createSecureContext, getCACertificates, type ConnectionOptions, type SecureContext } from 'node:tls'
import type { Secret } from '../vault/secret.ts'
import { isAddress } from './egress-policy.ts'
import { PostFailure } from './post-result.ts'

/** What one subscription brings to its TLS connections, as PEM. */
export interface ClientTls {
  /**
   * Connections are shared within it and never beyond: the same for two calls only if they are of one company and bring
   * the same. Tells nothing of the key.
   */
  readonly identity: string
  /** The client's certificate, then those that lead to its authority. */
  readonly certificate?: string | undefined
  readonly privateKey?: Secret<string> | undefined
  /** Authorities that vouch for the receiver, instead of the public and the operator's ones. */
  readonly ca?: string | undefined
}

/** Verification settings, to be made once and shared: reading the root certificates takes milliseconds. */
export function createVerifyingContext(ca?: string): SecureContext {
  return createTlsContext(ca)
}

/** The same for a subscription with a certificate or an authority of its own; `operatorCa` counts if it has no authority. */
export function createClientContext(tls: ClientTls, operatorCa?: string): SecureContext {
  return createTlsContext(operatorCa, tls)
}

function createTlsContext(operatorCa: string | undefined, tls?: Omit<ClientTls, 'identity'>): SecureContext {
  return createSecureContext({
    minVersion: 'TLSv1.2',
    // `ca` would replace the default roots; an operator's authority comes in addition.
    ...(operatorCa !== undefined && { ca: [...getCACertificates('default'), operatorCa] }),
    ...(tls?.ca !== undefined && { ca: tls.ca }),
    ...(tls?.certificate !== undefined && { cert: tls.certificate, key: tls.privateKey?.reveal() }),
  })
}

/**
 * Checks that a text holds certificates as PEM, one or more, and returns it. Throws an `Error` that says what is wrong. Node
 * itself passes over what it cannot read, and every call would fail later.
 */
export function parseAuthorities(pem: string): string {
  parseCertificates(pem)
  return pem
}

/** The certificates of a PEM text, in order. Throws an `Error` that says what is wrong; it repeats nothing of the text. */
export function parseCertificates(pem: string): readonly X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []
  if (blocks.length === 0) throw new Error('holds no certificate in PEM form')
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block)
    } catch {
      throw new Error(`certificate ${index + 1} of ${blocks.length} cannot be read`)
    }
  })
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
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'the host wants a client certificate',
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: 'the host refused the handshake; it may want a client certificate',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'the host does not know the authority of our client certificate',
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: 'the host refused our client certificate',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: 'the host says that our client certificate has expired',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED: 'the host says that our client certificate was revoked',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: 'the host refused our client certificate',
  ERR_SSL_TLSV1_ALERT_ACCESS_DENIED: 'the host refused our client certificate',
  ECONNRESET: 'the host closed the connection',
}

/** The failure of a handshake. Codes are safe to show: they tell of certificates and protocols, and never an address. */
export function tlsFailure(error: NodeJS.ErrnoException | undefined): PostFailure {
  const code = error?.code ?? 'ECONNRESET'
  const what = whatFailed[code]
  return new PostFailure('tls_error', `The TLS handshake failed${what ? `: ${what}` : ''} (${code})`)
}

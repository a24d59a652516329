import { createHash, createPrivateKey } from 'node:crypto'
import type { KeyObject, X509Certificate } from 'node:crypto'
import type { Fault } from '../lib/problems.ts'
import { Secret } from '../vault/secret.ts'
import type { ClientTls } from './webhook-tls.ts'
import { createClientContext, parseCertificates } from './webhook-tls.ts'

/**
 * What a subscription gives for TLS, as PEM: a certificate with its key to be known by, an authority to know the receiver
 * by, or both.
 */
export interface EndpointTls {
  /** The client's certificate, then each that vouches for the one before it. */
  readonly certificate?: string
  /** Of `certificate`; without a passphrase, since it is stored sealed. */
  readonly private_key?: string
  /** Authorities that the receiver's certificate is verified by, instead of the public ones. */
  readonly ca?: string
}

/** What may be shown of it. */
export interface EndpointTlsFacts {
  readonly certificate: CertificateFacts | null
  readonly ca: CertificateFacts[]
}

export interface CertificateFacts {
  /** A distinguished name, a part per line. */
  readonly subject: string
  readonly issuer: string
  /** SHA-256 over the certificate, hexadecimal with colons. */
  readonly fingerprint: string
  readonly expires_at: string
}

const PEM_CHARACTERS_MAX = 65_536
const CERTIFICATES_MAX = 10

/** A handshake signs in the thread that makes all calls: with 4,096 bits that takes milliseconds, with 16,384 a second. */
const RSA_BITS_MAX = 4_096

/** All that is wrong with it, each with a pointer below `/tls`. No message repeats a byte of the key. */
export function checkEndpointTls(tls: EndpointTls, nowMs: number): readonly Fault[] {
  const { certificate, private_key: privateKey, ca } = tls
  const faults: Fault[] = []
  const add = (member: string, code: string, message: string): void => {
    faults.push({ pointer: member === '' ? '/tls' : `/tls/${member}`, code, message })
  }
  if (certificate === undefined && privateKey === undefined && ca === undefined) {
    add('', 'tls_empty', 'A certificate with its private key, a ca, or both')
  } else if (certificate === undefined && privateKey !== undefined) {
    add('certificate', 'certificate_missing', 'The certificate that the private key belongs to is missing')
  } else if (certificate !== undefined && privateKey === undefined) {
    add('private_key', 'private_key_missing', 'The private key of the certificate is missing')
  }
  const chain = certificate === undefined ? [] : readChain('certificate', certificate, add)
  const authorities = ca === undefined ? [] : readChain('ca', ca, add)
  const [leaf] = chain
  if (leaf) checkChain(chain, nowMs, add)
  const key = privateKey === undefined ? undefined : readKey(privateKey, add)
  if (leaf && key && !leaf.checkPrivateKey(key)) {
    add('private_key', 'private_key_mismatch', 'The private key does not belong to the certificate')
  }
  for (const one of authorities) if (hasExpired(one, nowMs)) add('ca', 'certificate_expired', expiredOn(one))
  if (faults.length === 0 && !isUsable(tls)) {
    add('', 'tls_unusable', 'TLS refuses the certificate or the key: too weak, or of a kind that it does not know')
  }
  return faults
}

/** Of what passed {@link checkEndpointTls}. */
export function endpointTlsFacts({ certificate, ca }: EndpointTls): EndpointTlsFacts {
  const [leaf] = certificate === undefined ? [] : parseCertificates(certificate)
  const authorities = ca === undefined ? [] : parseCertificates(ca)
  return { certificate: leaf ? certificateFacts(leaf) : null, ca: authorities.map(certificateFacts) }
}

/** As calls take it. Two of one company share connections if they are the same in every byte. */
export function toClientTls(companyId: string, { certificate, private_key: key, ca }: EndpointTls): ClientTls {
  const identity = createHash('sha256')
    .update(JSON.stringify([companyId, certificate, key, ca]))
    .digest('base64')
  return { identity, certificate, privateKey: key === undefined ? undefined : new Secret(key), ca }
}

type AddFault = (member: string, code: string, message: string) => void

function readChain(member: 'certificate' | 'ca', pem: string, add: AddFault): readonly X509Certificate[] {
  if (pem.length > PEM_CHARACTERS_MAX) {
    add(member, 'pem_too_long', `The PEM text has more than ${PEM_CHARACTERS_MAX} characters`)
    return []
  }
  try {
    const chain = parseCertificates(pem)
    if (chain.length <= CERTIFICATES_MAX) return chain
    add(member, 'too_many_certificates', `At most ${CERTIFICATES_MAX} certificates`)
  } catch (error) {
    add(member, 'invalid_certificate', `The text ${error instanceof Error ? error.message : 'cannot be read'}`)
  }
  return []
}

function checkChain(chain: readonly X509Certificate[], nowMs: number, add: AddFault): void {
  for (const [index, one] of chain.entries()) {
    if (hasExpired(one, nowMs)) add('certificate', 'certificate_expired', expiredOn(one))
    const next = chain[index + 1]
    if (next && !one.checkIssued(next)) {
      add('certificate', 'certificate_chain', `Certificate ${index + 2} did not issue certificate ${index + 1}`)
    }
  }
}

function readKey(pem: string, add: AddFault): KeyObject | undefined {
  if (pem.length > PEM_CHARACTERS_MAX) {
    add('private_key', 'pem_too_long', `The PEM text has more than ${PEM_CHARACTERS_MAX} characters`)
    return undefined
  }
  if (/ENCRYPTED/.test(pem)) {
    add(
      'private_key',
      'private_key_encrypted',
      'The private key has a passphrase; give it without one, it is stored sealed',
    )
    return undefined
  }
  try {
    const key = createPrivateKey(pem)
    if ((key.asymmetricKeyDetails?.modulusLength ?? 0) <= RSA_BITS_MAX) return key
    add('private_key', 'private_key_too_long', `An RSA key has ${RSA_BITS_MAX} bits at most`)
  } catch {
    add('private_key', 'invalid_private_key', 'The text holds no private key in PEM form')
  }
  return undefined
}

function hasExpired(certificate: X509Certificate, nowMs: number): boolean {
  return certificate.validToDate.getTime() <= nowMs
}

function expiredOn(certificate: X509Certificate): string {
  return `The certificate expired on ${certificate.validToDate.toISOString()}`
}

function isUsable(tls: EndpointTls): boolean {
  try {
    createClientContext(toClientTls('', tls))
    return true
  } catch {
    return false
  }
}

function certificateFacts(certificate: X509Certificate): CertificateFacts {
  return {
    subject: certificate.subject,
    issuer: certificate.issuer,
    fingerprint: certificate.fingerprint256,
    expires_at: certificate.validToDate.toISOString(),
  }
}

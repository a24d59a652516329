/**
 * A throw-away certificate authority. Node can read certificates and not make them, so they are written here as DER
 * (X.690, RFC 5280): as much of it as TLS asks for. Keys are P-256, signatures ECDSA with SHA-256.
 */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'

interface CertificateWish {
  /** Host names and IPv4 addresses. */
  readonly names: readonly string[]
  /** Default: a day ago. */
  readonly notBefore?: Date
  /** Default: in a day. */
  readonly notAfter?: Date
}

/** As `TlsOptions` take them. */
export interface KeyedCertificate {
  readonly cert: string
  readonly key: string
}

export interface TestAuthority {
  /** Its own certificate, PEM. */
  readonly pem: string
  issue(wish: CertificateWish): KeyedCertificate
}

const dayMs = 86_400_000

export function testAuthority(name: string): TestAuthority {
  const keys = newKeys()
  const wish = { subject: name, issuer: name, publicKey: keys.publicKey, signer: keys.privateKey }
  return {
    pem: certificate({ ...wish, extensions: [authorityOnly] }),
    issue: (asked) => {
      const { publicKey, privateKey } = newKeys()
      const cert = certificate({
        ...wish,
        subject: asked.names[0] ?? '',
        publicKey,
        ...asked,
        extensions: [alternativeNames(asked.names)],
      })
      return { cert, key: pemOf(privateKey) }
    },
  }
}

/** A certificate that vouches for itself. */
export function selfSigned(wish: CertificateWish): KeyedCertificate {
  const { publicKey, privateKey } = newKeys()
  const subject = wish.names[0] ?? ''
  const extensions = [alternativeNames(wish.names)]
  const cert = certificate({ subject, issuer: subject, publicKey, signer: privateKey, ...wish, extensions })
  return { cert, key: pemOf(privateKey) }
}

interface CertificateParts {
  readonly subject: string
  readonly issuer: string
  readonly publicKey: KeyObject
  readonly signer: KeyObject
  readonly extensions: readonly Buffer[]
  readonly notBefore?: Date
  readonly notAfter?: Date
}

function certificate(parts: CertificateParts): string {
  const { notBefore = new Date(Date.now() - dayMs), notAfter = new Date(Date.now() + dayMs) } = parts
  const toBeSigned = sequence(
    tagged(0, integer(Buffer.from([2]))), // version 3
    integer(Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    ecdsaWithSha256,
    distinguishedName(parts.issuer),
    sequence(time(notBefore), time(notAfter)),
    distinguishedName(parts.subject),
    parts.publicKey.export({ type: 'spki', format: 'der' }),
    tagged(3, sequence(...parts.extensions)),
  )
  const signature = sign('sha256', toBeSigned, parts.signer)
  const whole = sequence(toBeSigned, ecdsaWithSha256, bitString(signature))
  const lines = whole.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

function newKeys(): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' })
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString()
}

function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents)
  const { length } = content
  const sizeBytes = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...sizeBytes]), content])
}

const sequence = (...contents: readonly Buffer[]): Buffer => der(0x30, ...contents)
const tagged = (number: number, content: Buffer): Buffer => der(0xa0 | number, content)
const octets = (content: Buffer): Buffer => der(0x04, content)
const bitString = (content: Buffer): Buffer => der(0x03, Buffer.from([0]), content)
/** The first bit is the sign. */
const integer = (bytes: Buffer): Buffer => der(0x02, bytes)
/** `hex` is the identifier's encoding. */
const objectId = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'))

const ecdsaWithSha256 = sequence(objectId('2a8648ce3d040302'))
/** basicConstraints, critical: it may issue. */
const authorityOnly = sequence(
  objectId('551d13'),
  der(0x01, Buffer.from([0xff])),
  octets(sequence(der(0x01, Buffer.from([0xff])))),
)

function alternativeNames(names: readonly string[]): Buffer {
  const general = names.map((name) =>
    /^[\d.]+$/.test(name) ? der(0x87, Buffer.from(name.split('.').map(Number))) : der(0x82, Buffer.from(name)),
  )
  return sequence(objectId('551d11'), octets(sequence(...general)))
}

function distinguishedName(commonName: string): Buffer {
  return sequence(der(0x31, sequence(objectId('550403'), der(0x0c, Buffer.from(commonName)))))
}

/** GeneralizedTime. RFC 5280 wants the shorter form until 2049; verifiers take both. */
function time(at: Date): Buffer {
  const digits = at
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replace(/[-:T]/g, '')
  return der(0x18, Buffer.from(digits))
}

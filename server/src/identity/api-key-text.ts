import { hash, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const PREFIX = 'dbk_'
const RANDOM_CHARACTERS = 43 // 62^43 > 2^256
const CHECKSUM_CHARACTERS = 6

/** A new key: `dbk_`, 256 random bits in base 62, and a CRC-32 of both, by which scanners know a real key from a lookalike. */
export function newApiKey(): string {
  const random = toBase62(BigInt(`0x${randomBytes(32).toString('hex')}`), RANDOM_CHARACTERS)
  return PREFIX + random + checksum(PREFIX + random)
}

/** Tells a key of ours from a typing error; a bootstrap key of another form is not one. */
export function isApiKeyText(text: string): boolean {
  if (!text.startsWith(PREFIX) || text.length !== PREFIX.length + RANDOM_CHARACTERS + CHECKSUM_CHARACTERS) return false
  return text.endsWith(checksum(text.slice(0, -CHECKSUM_CHARACTERS)))
}

/** What is stored and looked up. A plain digest is enough: the text has 256 bits nobody can guess. */
export function digestOfKey(text: string): Buffer {
  return hash('sha256', text, 'buffer')
}

/** For people, who want to tell their keys apart. */
export function hintOfKey(text: string): string {
  return `${text.slice(0, 8)}…${text.slice(-4)}`
}

function checksum(text: string): string {
  return toBase62(BigInt(crc32(text)), CHECKSUM_CHARACTERS)
}

function toBase62(value: bigint, length: number): string {
  let text = ''
  for (let rest = value; text.length < length; rest /= 62n) text = alphabet.charAt(Number(rest % 62n)) + text
  return text
}

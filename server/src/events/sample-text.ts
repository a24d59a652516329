import { member } from './schema-node.ts'
import type { SchemaNode } from './schema-node.ts'
import { textOfPattern } from './text-of-pattern.ts'

type Random = () => number

const TEXT_LENGTH_MAX = 10_000

const familiarTexts = new Map([
  ['country', 'DE'],
  ['currency', 'EUR'],
  ['language', 'en'],
  ['locale', 'en-GB'],
  ['phone', '+4930123456'],
  ['time_zone', 'Europe/Berlin'],
])

/** What people expect under some names. */
export function familiarText(name: string): string | undefined {
  return familiarTexts.get(name)
}

/** A text that looks like the member's name; formats, patterns and lengths as far as it can. */
export function sampleText(nodes: readonly SchemaNode[], name: string, random: Random): string | undefined {
  const all = (keyword: string) => nodes.map(({ schema }) => member(schema, keyword)).filter((one) => one !== undefined)
  const formatted = all('format').map((format) => (typeof format === 'string' ? formats[format]?.(random) : undefined))
  const text = formatted.find((one) => one !== undefined)
  if (text !== undefined) return text
  const [pattern] = all('pattern')
  const least = Math.max(0, ...all('minLength').map(Number))
  const most = Math.min(TEXT_LENGTH_MAX, ...all('maxLength').map(Number))
  if (least > most) return undefined
  if (typeof pattern === 'string') return fromPattern(pattern, least, most, random)
  const plain = /(?:^|_)id$/.test(name)
    ? `${name.slice(0, 3)}_${digits(random, 5)}`
    : name.replaceAll('_', ' ') || 'text'
  return Array.from(plain.padEnd(least, ' lorem ipsum')).slice(0, most).join('')
}

/** A pattern without an end goes on: what is missing in length is added. */
function fromPattern(pattern: string, least: number, most: number, random: Random): string | undefined {
  for (let round = 0; round < 8; round++) {
    const text = textOfPattern(pattern, random)
    if (text === undefined) return undefined
    const padded = pattern.endsWith('$')
      ? text
      : text.padEnd(Math.max(least, pattern === '^https://' ? 20 : 0), 'example.com/')
    const { length } = Array.from(padded)
    if (length >= least && length <= most) return padded
  }
  return undefined
}

function digits(random: Random, count: number): string {
  return String(Math.floor(random() * 10 ** count)).padStart(count, '0')
}

function twoDigits(random: Random, least: number, most: number): string {
  return String(least + Math.floor(random() * (most - least + 1))).padStart(2, '0')
}

const day = (random: Random) => `2026-${twoDigits(random, 1, 12)}-${twoDigits(random, 1, 28)}`
const time = (random: Random) => `${twoDigits(random, 8, 18)}:${twoDigits(random, 0, 59)}:00Z`

const formats: Readonly<Record<string, (random: Random) => string>> = {
  date: day,
  time,
  'date-time': (random) => `${day(random)}T${time(random)}`,
  duration: (random) => `PT${twoDigits(random, 5, 90)}M`,
  email: (random) => `person${digits(random, 3)}@example.com`,
  hostname: () => 'host.example.com',
  ipv4: (random) => `192.0.2.${1 + Math.floor(random() * 254)}`,
  ipv6: (random) => `2001:db8::${1 + Math.floor(random() * 9)}`,
  uri: (random) => `https://example.com/${digits(random, 4)}`,
  'uri-reference': (random) => `/items/${digits(random, 4)}`,
  'json-pointer': () => '/items/0',
  uuid: (random) => `019a0000-0000-7000-8000-0000${digits(random, 8)}`,
}

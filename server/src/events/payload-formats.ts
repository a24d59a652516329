import { fullFormats } from 'ajv-formats/dist/formats.js'
import { isUuid } from '../lib/ids.ts'
import { parseRfc3339 } from '../lib/rfc3339.ts'

const { date, time, duration, email, hostname, ipv4, ipv6, uri } = fullFormats

/** The formats that payloads are held to, linear in the length of the text. All others are annotations. */
export const payloadFormats: ReadonlyMap<string, (text: string) => boolean> = new Map(
  Object.entries({
    date,
    time,
    duration,
    email,
    hostname,
    ipv4,
    ipv6,
    uri,
    'uri-reference': fullFormats['uri-reference'],
    'json-pointer': fullFormats['json-pointer'],
    'date-time': (text: string) => parseRfc3339(text) !== undefined,
    uuid: isUuid,
  }).map(([name, format]) => [name, toTest(format)]),
)

function toTest(format: unknown): (text: string) => boolean {
  if (typeof format === 'object' && format !== null && 'validate' in format) return toTest(format.validate)
  if (format instanceof RegExp) return (text) => format.test(text)
  if (typeof format !== 'function') throw new TypeError('a format is an expression or a function')
  return (text) => format(text) === true
}

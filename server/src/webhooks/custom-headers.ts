import { escapePointerToken } from '../lib/json-pointer.ts'
import type { Fault } from '../lib/problems.ts'

const HEADERS_MAX = 20
const NAME_CHARACTERS_MAX = 100
const VALUE_CHARACTERS_MAX = 2_000

/** RFC 9110 section 5.6.2. */
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/**
 * RFC 9110 section 5.5: visible characters of ASCII and Latin-1, blanks only between them. No CR, LF or NUL, which would end
 * the header; no other control character, and none beyond Latin-1, which could not be sent as it is.
 */
const fieldValue = /^[\x21-\x7e\xa1-\xff](?:[\x20-\x7e\xa0-\xff]*[\x21-\x7e\xa1-\xff])?$/

type Reason = keyof typeof reasons

const reasons = {
  connection: 'It steers the connection or frames the request.',
  body: 'It tells of the body, which Daybook makes.',
  ours: 'Daybook sets it.',
  credential: 'It is a credential: give it as `auth`, which is stored sealed and not shown.',
  caller: 'Receivers believe proxies that say in it who calls, for which host or with which method.',
  metadata: 'It opens the metadata service of a cloud.',
} as const

/**
 * Headers that a subscription may not set, and why. A name that ends in `*` stands for all that begin so.
 *
 * | Why | Names |
 * | --- | --- |
 * | `connection`: hop by hop or framing (RFC 9110 section 7.6.1, RFC 9112): a second request could be smuggled | `connection`, `te`, `host`, `proxy-*`, … |
 * | `body`: true of the body that Daybook makes, or false | `content-*` |
 * | `ours`: signatures, identity, tracing, and what bounds the answer | `webhook-*`, `daybook-*`, `user-agent`, `accept-encoding`, … |
 * | `credential`: is not to lie in clear in the database and the ledger | `authorization`, `cookie` |
 * | `caller`: what a proxy in front of the receiver would say; set from outside it gets past allow lists | `forwarded`, `x-forwarded-*`, … |
 * | `metadata`: a second fence behind the address guard, should an operator have listed such an address | `metadata`, … |
 */
const refused: readonly (readonly [reason: Reason, names: readonly string[]])[] = [
  [
    'connection',
    [
      'connection',
      'expect',
      'host',
      'http2-settings',
      'keep-alive',
      'max-forwards',
      'proxy-*',
      'te',
      'trailer',
      'transfer-encoding',
      'upgrade',
    ],
  ],
  ['body', ['content-*']],
  ['ours', ['accept-encoding', 'daybook-*', 'traceparent', 'tracestate', 'user-agent', 'webhook-*']],
  ['credential', ['authorization', 'cookie']],
  [
    'caller',
    [
      'cf-connecting-ip',
      'client-ip',
      'fastly-client-ip',
      'forwarded',
      'true-client-ip',
      'via',
      'x-client-ip',
      'x-cluster-client-ip',
      'x-envoy-external-address',
      'x-forwarded',
      'x-forwarded-*',
      'x-host',
      'x-http-host-override',
      'x-http-method',
      'x-http-method-override',
      'x-method-override',
      'x-original-*',
      'x-real-ip',
      'x-rewrite-url',
    ],
  ],
  ['metadata', ['metadata', 'metadata-flavor', 'x-aws-ec2-metadata-*', 'x-google-metadata-request']],
]

const exactly = new Map<string, Reason>()
const beginning: (readonly [string, Reason])[] = []
for (const [reason, names] of refused) {
  for (const name of names) {
    if (name.endsWith('*')) beginning.push([name.slice(0, -1), reason])
    else exactly.set(name, reason)
  }
}

/**
 * What is wrong with headers that a subscription wants on its calls. `pointer` leads to them in the request; `taken` are
 * names that its other settings use, such as that of an API key.
 */
export function checkCustomHeaders(
  headers: Readonly<Record<string, string>>,
  pointer = '/headers',
  taken: readonly string[] = [],
): readonly Fault[] {
  const entries = Object.entries(headers)
  if (entries.length > HEADERS_MAX) {
    return [{ pointer, code: 'too_many_headers', message: `At most ${HEADERS_MAX} headers` }]
  }
  const faults: Fault[] = []
  const seen = new Set(taken.map(asReceived))
  for (const [name, value] of entries) {
    const at = `${pointer}/${escapePointerToken(name)}`
    const fault = headerNameFault(name, at) ?? headerValueFault(value, at)
    if (fault) faults.push(fault)
    else if (seen.has(asReceived(name))) {
      faults.push({ pointer: at, code: 'duplicate_header', message: 'The header is set twice, here or by `auth`' })
    }
    seen.add(asReceived(name))
  }
  return faults
}

/** `may` names one reserved header that is in place after all. */
export function headerNameFault(name: string, pointer: string, may?: string): Fault | undefined {
  if (name.length > NAME_CHARACTERS_MAX || !token.test(name)) {
    const message = `A header's name has 1 to ${NAME_CHARACTERS_MAX} letters, digits and signs such as -`
    return { pointer, code: 'invalid_header_name', message }
  }
  const reason = name.toLowerCase() === may ? undefined : reasonAgainst(asReceived(name))
  return reason && { pointer, code: 'reserved_header', message: `The header cannot be set. ${reasons[reason]}` }
}

export function headerValueFault(value: string, pointer: string): Fault | undefined {
  if (value.length <= VALUE_CHARACTERS_MAX && fieldValue.test(value)) return undefined
  const message = `A header's value has 1 to ${VALUE_CHARACTERS_MAX} visible characters of Latin-1, with blanks between them only`
  return { pointer, code: 'invalid_header_value', message }
}

/**
 * Many receivers hand headers on as variables (RFC 3875 section 4.1.18), in which `X_Real_IP` and `X-Real-IP` are one, and with
 * some servers every sign that is no letter or digit stands for the same.
 */
function asReceived(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '-')
}

function reasonAgainst(name: string): Reason | undefined {
  return exactly.get(name) ?? beginning.find(([start]) => name.startsWith(start))?.[1]
}

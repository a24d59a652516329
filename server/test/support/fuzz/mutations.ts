import type { FuzzRequest } from './fuzz-request.ts'
import { written } from './fuzz-request.ts'
import { oddNames, oddTexts, oddValue } from './odd-values.ts'
import type { Random } from './random.ts'

type Mutation = (request: FuzzRequest, random: Random) => FuzzRequest

/** The request with something wrong, or merely odd, about it. */
export function mutated(request: FuzzRequest, random: Random): FuzzRequest {
  const mutations = request.body === undefined ? aboutTargets : [...aboutTargets, ...aboutBodies, ...aboutBodies]
  return random.pick(mutations)?.(request, random) ?? request
}

const withQuery = (request: FuzzRequest, ...pairs: FuzzRequest['query']): FuzzRequest => ({
  ...request,
  query: [...request.query, ...pairs],
})

const withHeader = (request: FuzzRequest, name: string, value: string): FuzzRequest => ({
  ...request,
  headers: { ...request.headers, [name]: value },
})

const encoded = (text: string): string => encodeURIComponent(text.toWellFormed())

const pickText = (random: Random): string => random.pick(oddTexts) ?? ''

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'QUERY', 'LOCK']

const rawPaths = [
  '%00',
  '%',
  '%zz',
  '%ff%fe',
  '..',
  '.',
  '%2F',
  '%2e%2e',
  ' '.repeat(0),
  '*',
  ';a=b',
  'x'.repeat(250),
  '%F0%9F%92%A9',
]

const aboutTargets: readonly Mutation[] = [
  function anotherMethod(request, random) {
    return { ...request, method: random.pick(methods) ?? 'GET' }
  },
  function anotherName(request, random) {
    const { operation, path } = request
    const parts = operation.path.split('/')
    const places = [...parts.keys()].filter((index) => parts[index]?.startsWith('{'))
    const place = random.pick(places)
    const name = random.chance(0.5) ? (random.pick(rawPaths) ?? '') : encoded(pickText(random)).slice(0, 3_000)
    return {
      ...request,
      path: path
        .split('/')
        .map((part, index) => (index === place ? name : part))
        .join('/'),
    }
  },
  function anotherPath(request, random) {
    const { path } = request
    const changes = [
      `${path}/`,
      `/${path}`,
      `${path}/${random.pick(rawPaths)}`,
      path.toUpperCase(),
      path.replace(/\/(\w)/, '/%2$1'),
    ]
    return { ...request, path: random.pick(changes) ?? path }
  },
  function oddQueryValue(request, random) {
    const names = request.operation.parameters.filter((one) => one.in === 'query').map(({ name }) => name)
    return withQuery(request, [random.pick(names) ?? 'limit', encoded(pickText(random)).slice(0, 12_000)])
  },
  function rawQuery(request, random) {
    const names = request.operation.parameters.map(({ name }) => name)
    const name = random.pick(names) ?? 'q'
    const changes: FuzzRequest['query'][] = [
      [[name, undefined]],
      [[name, '%zz']],
      [[name, '%ff']],
      [[name, '%00']],
      [[`${name}[]`, '1']],
      [[`${name}[a]`, '1']],
      [['__proto__', '1']],
      [['constructor', 'x']],
      [['', '']],
      [
        [name, '1'],
        [name, '2'],
      ],
      Array.from({ length: 300 }, () => [name, 'x'] as const),
    ]
    return withQuery(request, ...(random.pick(changes) ?? []))
  },
  function forgedCursor(request, random) {
    const values = Array.from({ length: random.below(4) }, () => oddValue(random))
    const list = random.pick([
      'subscriptions',
      'api_keys',
      'companies',
      'events.desc',
      'events.asc',
      'deliveries',
      'webhook_logs',
    ])
    const text = Buffer.from(JSON.stringify([list, ...values])).toString('base64url')
    return withQuery(request, ['cursor', text.slice(0, 4_000)])
  },
  function oddHeader(request, random) {
    const [name = 'accept', value = '*/*'] = random.pick(oddHeaders) ?? []
    return withHeader(request, name, value)
  },
  function ownHeaders(request, random) {
    const names = request.operation.parameters.filter((one) => one.in === 'header').map(({ name }) => name)
    // Bytes above ASCII; Node sends no control characters in a header.
    const bytes = [...Buffer.from(pickText(random).slice(0, 3_000))].map((byte) => (byte % 128 < 32 ? 63 : byte))
    const value = Buffer.from(bytes.filter((byte) => byte !== 127)).toString('latin1')
    return withHeader(request, random.pick(names) ?? 'idempotency-key', value)
  },
  function anotherKey(request, random) {
    const keys = [
      'Bearer',
      'Bearer ',
      'Bearer x',
      'Basic eDp5',
      'bearer  x',
      `Bearer ${'k'.repeat(600)}`,
      '\u00ff',
      'Bearer a b',
    ]
    return withHeader(request, 'authorization', random.pick(keys) ?? '')
  },
  function bodyWhereNoneBelongs(request, random) {
    if (request.body !== undefined) return { ...request, body: undefined }
    const type = random.pick([
      'application/json',
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data',
    ])
    return withHeader({ ...request, body: oddValue(random) }, 'content-type', type ?? '')
  },
]

const oddHeaders: readonly (readonly [string, string])[] = [
  ['accept', 'text/html'],
  ['accept', 'application/xml;q=x'],
  ['accept-encoding', 'gzip, br, zstd, *;q=0'],
  ['host', 'elsewhere.example'],
  ['host', ''],
  ['range', 'bytes=0-0'],
  ['if-none-match', '*'],
  ['if-match', '"0"'],
  ['if-match', '*'],
  ['if-match', 'W/"1"'],
  ['if-match', 'nonsense'],
  ['if-modified-since', 'Thu, 01 Jan 1970 00:00:00 GMT'],
  ['last-event-id', '-1'],
  ['last-event-id', '99999999999999999999'],
  ['x-http-method-override', 'DELETE'],
  ['x-forwarded-for', '1.2.3.4, \u00e9'],
  ['forwarded', 'for="_gazonk'],
  ['traceparent', '00-0-0-00'],
  ['traceparent', `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`],
  ['content-type', 'application/json; charset=utf-16'],
  ['content-type', 'application/json; charset="'],
  ['content-type', 'APPLICATION/JSON'],
  ['content-type', 'application/json,application/json'],
  ['content-type', 'application/cloudevents+json'],
  ['content-type', 'application/cloudevents-batch+json'],
  ['content-type', ''],
  ['content-type', 'text/plain'],
  ['content-encoding', 'gzip'],
  ['content-encoding', 'identity'],
  ['ce-id', 'x'],
  ['ce-specversion', '1.0'],
  ['connection', 'close'],
  ['connection', 'upgrade'],
  ['cookie', `a=${'b'.repeat(4_000)}`],
  ['x-large', 'y'.repeat(20_000)],
]

const aboutBodies: readonly Mutation[] = [
  function anotherValue(request, random) {
    return { ...request, body: changedSomewhere(request.body, random, () => oddValue(random)) }
  },
  function oddText(request, random) {
    return { ...request, body: changedSomewhere(request.body, random, () => pickText(random)) }
  },
  function unknownMember(request, random) {
    const added = [random.pick(oddNames) ?? 'colour', oddValue(random)] as const
    const add = (value: unknown): unknown =>
      isObject(value) ? Object.fromEntries([...Object.entries(value), added]) : { [added[0]]: value }
    return { ...request, body: changedSomewhere(request.body, random, add) }
  },
  function memberLeftOut(request, random) {
    const leaveOut = (value: unknown): unknown => {
      if (!isObject(value)) return null
      const out = random.pick(Object.keys(value))
      return Object.fromEntries(Object.entries(value).filter(([name]) => name !== out))
    }
    return { ...request, body: changedSomewhere(request.body, random, leaveOut) }
  },
  function repeated(request, random) {
    const times = random.pick([0, 2, 17, 101, 1_001]) ?? 2
    const repeat = (value: unknown): unknown => {
      const [item = value] = Array.isArray(value) ? (value as readonly unknown[]) : []
      return Array.from({ length: times }, () => item)
    }
    return { ...request, body: changedSomewhere(request.body, random, repeat) }
  },
  function wholeBody(request, random) {
    return { ...request, body: oddValue(random) ?? null }
  },
  function otherBytes(request, random) {
    const bytes = written(request).bytes ?? Buffer.alloc(0)
    const text = bytes.toString()
    const at = random.below(bytes.length + 1)
    const changes: readonly (() => Buffer)[] = [
      () => bytes.subarray(0, at),
      () => Buffer.concat([bytes.subarray(0, at), Buffer.from([random.below(256)]), bytes.subarray(at + 1)]),
      () => Buffer.concat([bytes, bytes]),
      () => Buffer.concat([Buffer.from('\uFEFF'), bytes]),
      () => Buffer.from(text.replace(/[\d.]+/, '9'.repeat(400))),
      () => Buffer.from(text.replace(/[\d.]+/, '1e999')),
      () => Buffer.from(text.replace(/"(\w+)":/, '"$1":1,"$1":')),
      () => Buffer.from(text.replace(/}$/, ',}')),
      () => Buffer.from(text.replaceAll('"', "'")),
      () => Buffer.from(text, 'utf16le'),
      () => Buffer.from('[1'.repeat(20_000)),
      () => Buffer.from(' '.repeat(1 + at)),
      () => Buffer.alloc(0),
    ]
    return { ...request, body: random.pick(changes)?.() }
  },
  function cutOff(request, random) {
    const { bytes } = written(request)
    return bytes ? { ...request, cutAt: random.below(bytes.length + 1) } : request
  },
]

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A copy in which one value, found by chance, is another. Bytes are replaced whole. */
function changedSomewhere(value: unknown, random: Random, change: (value: unknown) => unknown): unknown {
  if (Array.isArray(value) && value.length > 0 && random.chance(0.8)) {
    const place = random.below(value.length)
    return value.map((one: unknown, index) => (index === place ? changedSomewhere(one, random, change) : one))
  }
  if (isObject(value) && !Buffer.isBuffer(value) && random.chance(0.85)) {
    const place = random.pick(Object.keys(value))
    const entries = Object.entries(value)
    return Object.fromEntries(
      entries.map(([name, one]) => [name, name === place ? changedSomewhere(one, random, change) : one]),
    )
  }
  return change(value)
}

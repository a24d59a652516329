import type { ApiDocument, Operation } from '../api-document.ts'
import type { KnownThings } from './known-things.ts'
import type { Random } from './random.ts'
import type { Samples } from './samples.ts'

/** A request before it is written down, so that it can be changed anywhere. */
export interface FuzzRequest {
  readonly operation: Operation
  readonly method: string
  /** Encoded, without the query. */
  readonly path: string
  /** Encoded pairs; a pair without a value has no `=`. */
  readonly query: readonly (readonly [name: string, value: string | undefined])[]
  readonly headers: Readonly<Record<string, string>>
  /** Bytes are sent as they are, anything else as JSON; undefined is no body. */
  readonly body: unknown
  /** The connection is broken after so many bytes of the body. */
  readonly cutAt?: number
}

export interface Keys {
  readonly company: string
  readonly operator: string
}

/** A request that the operation should take, as far as its schemas tell. */
export function validRequest(
  operation: Operation,
  random: Random,
  parts: { readonly samples: Samples; readonly known: KnownThings; readonly keys: Keys },
): FuzzRequest {
  const { samples, known, keys } = parts
  const named = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(known.forPath(operation.path, name, random) ?? 'none'),
  )
  const query: (readonly [string, string])[] = []
  const headers: Record<string, string> = {}
  for (const { in: place, name, schema, required = false } of operation.parameters) {
    if (place === 'path' || !(required || random.chance(0.3))) continue
    const value = name === 'cursor' ? known.cursorOf(operation.path, random) : samples.of(schema, name, random)
    if (value === undefined) continue
    const texts = [value].flat().map((one) => (typeof one === 'string' ? one : JSON.stringify(one)))
    if (place === 'query')
      query.push(...texts.map((text) => [encodeURIComponent(name), encodeURIComponent(text)] as const))
    else headers[name] = texts.join()
  }
  const [body] = [...operation.bodies]
  if (body) headers['content-type'] = body[0]
  if (operation.access !== 'public') {
    headers['authorization'] = `Bearer ${operation.access === 'operator' ? keys.operator : keys.company}`
  }
  return {
    operation,
    method: operation.method,
    path: named,
    query,
    headers,
    body: body && samples.of(body[1], '', random),
  }
}

/** The bytes of the body, and the target as it stands in the first line. */
export function written({ path, query, body }: FuzzRequest): {
  readonly target: string
  readonly bytes: Buffer | undefined
} {
  const search = query.map(([name, value]) => (value === undefined ? name : `${name}=${value}`)).join('&')
  const bytes = body === undefined || Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body))
  return { target: search === '' ? path : `${path}?${search}`, bytes }
}

/** The request in words, for whoever has to repeat it. */
export function described(request: FuzzRequest): string {
  const { target, bytes } = written(request)
  const { method, headers, cutAt } = request
  const { authorization, ...shown } = headers
  const body = bytes && (isText(bytes) ? bytes.toString() : `base64:${bytes.toString('base64')}`)
  return [
    `${method} ${target.slice(0, 2_000)}`,
    JSON.stringify({ ...shown, ...(authorization !== undefined && { authorization: '…' }) }).slice(0, 2_000),
    ...(body === undefined
      ? []
      : [`${bytes?.length} bytes${cutAt === undefined ? '' : `, cut at ${cutAt}`}: ${body.slice(0, 2_000)}`]),
  ].join('\n')
}

function isText(bytes: Buffer): boolean {
  return Buffer.from(bytes.toString()).equals(bytes)
}

/** What is wrong with the answer to a request; empty when it is as the document describes. */
export function faultsOfAnswer(
  document: ApiDocument,
  request: FuzzRequest,
  answer: { readonly status: number; readonly headers: Headers; readonly text: string },
): readonly string[] {
  const { method, path } = request
  if (answer.status >= 500) return [`answered with ${answer.status}: ${answer.text.slice(0, 500)}`]
  if (isParsersOwn(answer)) return []
  if (method !== 'HEAD') return document.faultsOf(document.operationAt(method, path), answer)
  const operation = document.operationAt('GET', path)
  const listed = operation ? operation.statuses.includes(answer.status) : answer.status === 404 || answer.status === 405
  return listed && answer.text === '' ? [] : [`HEAD is answered with ${answer.status} ${answer.text}`]
}

/** What cannot be read as HTTP is answered before anything of ours sees it: no body, and the end of the connection. */
function isParsersOwn({ status, headers, text }: { status: number; headers: Headers; text: string }): boolean {
  return [400, 408, 417, 431].includes(status) && text === '' && headers.get('connection') === 'close'
}

/**
 * What a file of `test/routes` stands on: the interface, served in this process over a database of its own, with a company
 * and its key. Engine and dispatcher are moved by hand (`node`), so nothing changes by itself.
 *
 * Every answer is compared with the OpenAPI document: its status is listed for the operation, its body, its content type
 * and its headers are as described there, and it has no member that is not.
 */
import assert from 'node:assert/strict'
import { after } from 'node:test'
import type { HttpParts } from '../../src/http/http-parts.ts'
import { newCompany, OPERATOR_KEY } from '../system/new-company.ts'
import { serveApp } from '../system/served-app.ts'
import type { Operation } from './api-document.ts'
import { ApiDocument } from './api-document.ts'
import type { TestDatabase } from './database.ts'
import { testDatabase } from './database.ts'
import type { TestNode } from './test-node.ts'

export interface RouteAnswer {
  readonly status: number
  readonly headers: Headers
  /** The body as JSON; an empty object when there is none or it is another type. */
  readonly body: Readonly<Record<string, unknown>>
  readonly text: string
}

interface RequestOptions {
  /** The company's own key by default; null for none. */
  readonly key?: string | null
  readonly headers?: Readonly<Record<string, string>>
  /** `application/json` by default, where there is a body. */
  readonly contentType?: string
  /** Members of the query; lists are repeated. */
  readonly query?: Readonly<Record<string, string | number | boolean | readonly string[]>>
}

export interface RouteTest {
  /** Of the server, without the base path. */
  readonly url: string
  readonly document: ApiDocument
  readonly database: TestDatabase
  readonly parts: HttpParts
  /** Routes what was published and makes the calls that are due, by hand. */
  readonly node: TestNode
  readonly companyId: string
  /** Of the company; it may do everything. */
  readonly key: string
  readonly operatorKey: string
  /** Asks and compares the answer with the document. A path is one below `/api/v1`, or one of the root such as `/healthz`. A body that is a text or bytes is sent as it is. */
  request(method: string, path: string, body?: unknown, options?: RequestOptions): Promise<RouteAnswer>
  /** A key of the company with these scopes. */
  keyWith(...scopes: readonly string[]): Promise<string>
  /** Another company's key. */
  newCompany(
    name: string,
    settings?: Readonly<Record<string, unknown>>,
  ): Promise<{ readonly id: string; readonly key: string }>
}

const BASE_PATH = '/api/v1'

/** To be awaited at the top of a file; closed when all of its tests are done. The company takes undeclared events. */
export async function startRouteTest(): Promise<RouteTest> {
  const releases: (() => void | Promise<void>)[] = []
  after(async () => {
    for (const release of releases.toReversed()) await release()
  })
  const owner = { after: (release: () => void | Promise<void>) => void releases.push(release) }
  const database = await testDatabase(owner)
  const { url, parts, node } = await serveApp(owner, database, undefined, { handsOver: false }, 60)
  const document = new ApiDocument(await (await fetch(`${url}${BASE_PATH}/openapi.json`)).json())
  const { id: companyId, key } = await newCompany(url, 'Route tests')
  const request: RouteTest['request'] = async (method, path, body, options = {}) => {
    const target = targetOf(document, path, options.query)
    const operation = document.operationAt(method, target.split('?', 1)[0] ?? '')
    const answer = await send(`${url}${target}`, method, body, { key: keyFor(operation), ...options })
    assert.deepEqual(document.faultsOf(operation, answer), [], `${method} ${target}`)
    const isJson = /^application\/([a-z-]+\+)?json/.test(answer.headers.get('content-type') ?? '')
    return { ...answer, body: isJson ? (JSON.parse(answer.text) as RouteAnswer['body']) : {} }
  }
  const keyFor = (operation: Operation | undefined): string | null => {
    if (operation?.access === 'public') return null
    return operation?.access === 'operator' ? OPERATOR_KEY : key
  }
  return {
    url,
    document,
    database,
    parts,
    node,
    companyId,
    key,
    operatorKey: OPERATOR_KEY,
    request,
    keyWith: async (...scopes) => {
      const made = await request('POST', '/api-keys', { name: scopes.join(' '), scopes })
      return String(made.body['key'])
    },
    newCompany: async (name, settings) => await newCompany(url, name, settings),
  }
}

function targetOf(document: ApiDocument, path: string, query: RequestOptions['query'] = {}): string {
  const [pathname = ''] = path.split('?', 1)
  const isOfRoot = document.operations.some((one) => one.path === pathname)
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    [value].flat().map((one): [string, string] => [name, String(one)]),
  )
  const search = new URLSearchParams(pairs).toString()
  return `${isOfRoot ? '' : BASE_PATH}${path}${search === '' ? '' : `?${search}`}`
}

async function send(url: string, method: string, body: unknown, options: RequestOptions) {
  const { key, headers, contentType = 'application/json' } = options
  const isRaw = typeof body === 'string' || body instanceof Uint8Array
  const response = await fetch(url, {
    method,
    headers: {
      ...(typeof key === 'string' && { authorization: `Bearer ${key}` }),
      ...(body !== undefined && { 'content-type': contentType }),
      ...headers,
    },
    ...(body !== undefined && { body: isRaw ? body : JSON.stringify(body) }),
    signal: AbortSignal.timeout(30_000),
  })
  return { status: response.status, headers: response.headers, text: await response.text() }
}

/** Status and code of a refusal and the pointers of its faults, each once, for comparisons in one line. */
export function refusalOf({ status, body }: RouteAnswer): readonly unknown[] {
  const errors = (body['errors'] ?? []) as readonly { readonly pointer: string }[]
  return [status, body['code'], ...new Set(errors.map(({ pointer }) => pointer))]
}

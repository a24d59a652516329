import { fullFormats } from 'ajv-formats/dist/formats.js'
import type { ValidateFunction } from 'ajv/dist/2020.js'
import { Ajv2020 } from 'ajv/dist/2020.js'

/** What of JSON Schema the OpenAPI document is made of. */
export type JsonSchema = Readonly<Record<string, unknown>>

export interface Parameter {
  readonly in: 'path' | 'query' | 'header'
  readonly name: string
  readonly required?: boolean
  readonly schema: JsonSchema
}

interface DescribedResponse {
  readonly content?: Readonly<Record<string, { readonly schema: JsonSchema }>>
  readonly headers?: Readonly<Record<string, { readonly schema: JsonSchema; readonly required?: boolean }>>
}

interface Described {
  readonly operationId: string
  readonly description?: string
  readonly security?: readonly unknown[]
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>> }
  readonly responses: Readonly<Record<string, DescribedResponse>>
}

interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> }
}

/** A route as the document describes it. */
export interface Operation {
  readonly operationId: string
  readonly method: string
  /** With `{name}` where a name stands, from the root of the server. */
  readonly path: string
  /** Whose key it asks for: a scope's word, `operator`, or `public`. */
  readonly access: string
  readonly parameters: readonly Parameter[]
  /** By content type; none where the route takes no body. */
  readonly bodies: ReadonlyMap<string, JsonSchema>
  /** In ascending order. */
  readonly statuses: readonly number[]
}

export interface Responded {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

const COMPONENTS = '#/components/schemas/'
const PROBLEM_TYPE = 'application/problem+json'

/** What may come before a request has reached its route, whatever that is. */
const everywhere: ReadonlySet<number> = new Set([400, 404, 405])

/** The OpenAPI document as a judge of answers. */
export class ApiDocument {
  readonly operations: readonly Operation[]
  readonly #document: OpenApi
  readonly #ajv: Ajv2020
  readonly #validators = new Map<unknown, ValidateFunction>()

  /** @param document as `GET /api/v1/openapi.json` has it */
  constructor(document: unknown) {
    this.#document = document as OpenApi
    this.#ajv = new Ajv2020({ strict: false, allErrors: true, logger: false, formats: fullFormats })
    // Closed: an answer has no member that the document does not name.
    for (const [name, schema] of Object.entries(this.#document.components.schemas)) {
      this.#ajv.addSchema(closed(schema) as object, componentId(name))
    }
    this.operations = Object.entries(this.#document.paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, described]) => toOperation(method.toUpperCase(), path, described)),
    )
  }

  /** The operation that a request goes to; undefined when there is none. A fixed path comes before one with names. */
  operationAt(method: string, pathname: string): Operation | undefined {
    if (!isDecodable(pathname)) return undefined
    const fitting = this.operations.filter((one) => one.method === method && fits(one.path, pathname))
    return fitting.toSorted((one, other) => namesIn(one.path) - namesIn(other.path))[0]
  }

  get(operationId: string): Operation {
    const found = this.operations.find((one) => one.operationId === operationId)
    if (!found) throw new Error(`The document has no operation ${operationId}`)
    return found
  }

  /** The schema with all that it refers to, directly or not, within itself. */
  standingAlone(schema: JsonSchema): JsonSchema {
    const $defs: Record<string, JsonSchema> = {}
    for (const open = namesReferred(schema); open.length > 0;) {
      const name = open.pop() ?? ''
      const component = this.#document.components.schemas[name]
      if (!component) throw new Error(`No component ${name}`)
      if (name in $defs) continue
      $defs[name] = component
      open.push(...namesReferred(component))
    }
    const text = JSON.stringify({ ...schema, $defs })
    return JSON.parse(text.replaceAll(`"${COMPONENTS}`, '"#/$defs/')) as JsonSchema
  }

  /** What an answer has that the document does not say of it; empty when it is as described. */
  faultsOf(operation: Operation | undefined, answer: Responded): readonly string[] {
    const where = `${operation?.operationId ?? 'no route'} ${answer.status}`
    const common = answer.headers.has('request-id') ? [] : [`${where}: without the header request-id`]
    const described = operation && this.#responseOf(operation, answer.status)
    const found = described ? this.#faultsOfDescribed(described, answer) : this.#faultsOfUnrouted(operation, answer)
    return [...common, ...found.map((fault) => `${where}: ${fault}`)]
  }

  #responseOf({ path, method }: Operation, status: number): DescribedResponse | undefined {
    return this.#document.paths[path]?.[method.toLowerCase()]?.responses[String(status)]
  }

  #faultsOfUnrouted(operation: Operation | undefined, answer: Responded): readonly string[] {
    if (operation) return ['the document does not list this status']
    if (answer.status === 204) return answer.headers.has('allow') ? [] : ['names no methods']
    if (!everywhere.has(answer.status)) return ['not an answer for what is no route']
    const schema = { $ref: `${COMPONENTS}Problem` }
    return this.#faultsOfDescribed({ content: { [PROBLEM_TYPE]: { schema } } }, answer)
  }

  #faultsOfDescribed({ content, headers }: DescribedResponse, answer: Responded): readonly string[] {
    return [...this.#faultsOfContent(content, answer), ...this.#faultsOfHeaders(headers, answer)]
  }

  #faultsOfContent(content: DescribedResponse['content'], { headers, text }: Responded): readonly string[] {
    const [type = ''] = (headers.get('content-type') ?? '').split(';', 1)
    if (!content) return text === '' ? [] : ['has a body']
    const schema = content[type]?.schema
    if (!schema) return [`is of the type "${type}"`]
    if (type !== 'application/json' && !type.endsWith('+json')) return []
    let body: unknown
    try {
      body = JSON.parse(text)
    } catch {
      return [`is no JSON: ${text.slice(0, 200)}`]
    }
    return this.#faultsOfValue(schema, body)
  }

  /** Headers are text, and fit what is said of numbers when they are written as one. */
  #faultsOfHeaders(described: DescribedResponse['headers'] = {}, { headers }: Responded): readonly string[] {
    return Object.entries(described).flatMap(([name, { schema, required }]) => {
      const text = headers.get(name)
      if (text === null) return required === true ? [`lacks the header ${name}`] : []
      const isNumber = schema['type'] === 'integer' || schema['type'] === 'number'
      return this.#faultsOfValue(schema, isNumber ? Number(text) : text).map((fault) => `header ${name}${fault}`)
    })
  }

  #faultsOfValue(schema: JsonSchema, value: unknown): readonly string[] {
    let validate = this.#validators.get(schema)
    if (!validate) {
      validate = this.#ajv.compile(closed(schema) as object)
      this.#validators.set(schema, validate)
    }
    if (validate(value)) return []
    const told = (validate.errors ?? []).map(({ instancePath, message = '', params }) => {
      return `${instancePath} ${message} ${JSON.stringify(params)}`
    })
    return told.slice(0, 10)
  }
}

function toOperation(method: string, path: string, described: Described): Operation {
  const { operationId, description = '', security, parameters = [], requestBody, responses } = described
  const scope = /^Scope: `([^`]+)`/.exec(description)?.[1]
  return {
    operationId,
    method,
    path,
    access: security?.length === 0 ? 'public' : (scope ?? 'operator'),
    parameters,
    bodies: new Map(Object.entries(requestBody?.content ?? {}).map(([type, { schema }]) => [type, schema])),
    statuses: Object.keys(responses)
      .map(Number)
      .toSorted((one, other) => one - other),
  }
}

function fits(path: string, pathname: string): boolean {
  const [pattern, segments] = [path.split('/'), pathname.split('/')]
  if (pattern.length !== segments.length) return false
  return pattern.every((part, index) => part.startsWith('{') || part === segments[index])
}

function isDecodable(pathname: string): boolean {
  try {
    decodeURIComponent(pathname)
    return true
  } catch {
    return false
  }
}

function namesIn(path: string): number {
  return path.split('{').length
}

function namesReferred(schema: JsonSchema): string[] {
  const references = JSON.stringify(schema).matchAll(/"#\/components\/schemas\/([^"]+)"/g)
  return [...references].map(([, name = '']) => name)
}

function componentId(name: string): string {
  return `component:${name}`
}

/** The schema with its references made absolute, and with no members but those that it names. */
function closed(schema: unknown, isPart = false): unknown {
  if (Array.isArray(schema)) return schema.map((one: unknown) => closed(one, isPart))
  if (typeof schema !== 'object' || schema === null) return schema
  const entries = Object.entries(schema).map(([keyword, value]: [string, unknown]) => {
    if (keyword === '$ref') return [keyword, componentId(String(value).slice(String(value).lastIndexOf('/') + 1))]
    if (verbatim.has(keyword)) return [keyword, value]
    if (keyword === 'properties') return [keyword, mapValues(value, (one) => closed(one))]
    return [keyword, closed(value, isPart || keyword === 'allOf')]
  })
  const made: Record<string, unknown> = Object.fromEntries(entries)
  const names = Object.keys(made['properties'] ?? {})
  if (!isPart && names.length > 0 && !('additionalProperties' in made)) made['additionalProperties'] = false
  return made
}

/** Keywords whose values are no schemas. */
const verbatim: ReadonlySet<string> = new Set(['enum', 'const', 'examples', 'default', 'required', 'description'])

function mapValues(value: unknown, change: (one: unknown) => unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]: [string, unknown]) => [name, change(one)]))
}

import { handWritten, methodNames, repeatable } from './method-names.ts'

export type JsonSchema = Readonly<Record<string, unknown>>

interface Described {
  readonly operationId: string
  readonly summary?: string
  readonly description?: string
  readonly parameters?: readonly {
    readonly in: string
    readonly name: string
    readonly required?: boolean
    readonly description?: string
    readonly schema: JsonSchema
  }[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>> }
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: JsonSchema }>> }>
  >
}

/** What of an OpenAPI document the SDK is made of. */
export interface ApiDescription {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> }
}

/** How an answer is read: as JSON, as a list of pages, as text, as bytes that are handed on as they come, or not at all. */
export type AnswerKind = 'json' | 'list' | 'text' | 'bytes' | 'nothing'

/** An operation as a method of the SDK. */
export interface SdkOperation {
  readonly operationId: string
  readonly resource: string
  readonly method: string
  readonly verb: string
  /** From the root of the server, with `{name}` where a name stands. */
  readonly path: string
  readonly about: string
  readonly pathNames: readonly string[]
  /** The query as an object's schema; undefined where there is none. */
  readonly query: JsonSchema | undefined
  readonly body: JsonSchema | undefined
  readonly answer: AnswerKind
  readonly answers: readonly JsonSchema[]
  readonly hasIfMatch: boolean
  readonly isRepeatable: boolean
  readonly isHandWritten: boolean
}

/** In the order of the document. Throws when an operation has no name in the SDK, or a name no operation. */
export function readOperations(document: ApiDescription): readonly SdkOperation[] {
  const all = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([verb, described]) => ({ path, verb: verb.toUpperCase(), described })),
  )
  const known = new Set(all.map(({ described }) => described.operationId))
  const strange = Object.keys(methodNames).filter((id) => !known.has(id))
  if (strange.length > 0) throw new Error(`Named in method-names.ts, and in no document: ${strange.join(', ')}`)
  return all.map(({ path, verb, described }) => toOperation(document, path, verb, described))
}

function toOperation(document: ApiDescription, path: string, verb: string, described: Described): SdkOperation {
  const { operationId, summary = '', description = '', parameters = [] } = described
  const [resource, method] = methodNames[operationId]?.split('.') ?? []
  if (!resource || !method) throw new Error(`Give ${operationId} a name in server/scripts/sdk-api/method-names.ts`)
  const query = querySchema(parameters)
  const body = described.requestBody?.content['application/json']?.schema
  if (query && body) throw new Error(`${operationId} takes a query and a body, for which the SDK has no form`)
  const contents = Object.entries(described.responses)
    .filter(([status]) => status.startsWith('2'))
    .map(([, { content = {} }]) => content)
  const answers = contents.flatMap((content) => Object.values(content).map(({ schema }) => schema))
  return {
    operationId,
    resource,
    method,
    verb,
    path,
    about: `${summary}. ${description}`.trim(),
    pathNames: [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name),
    query,
    body,
    answer: answerKind(document, contents, answers),
    answers,
    hasIfMatch: parameters.some((one) => one.in === 'header' && one.name === 'if-match'),
    isHandWritten: handWritten.has(operationId),
    isRepeatable: verb === 'GET' || repeatable.has(operationId),
  }
}

function querySchema(parameters: NonNullable<Described['parameters']>): JsonSchema | undefined {
  const ours = parameters.filter((one) => one.in === 'query')
  if (ours.length === 0) return undefined
  return {
    type: 'object',
    required: ours.filter(({ required }) => required).map(({ name }) => name),
    properties: Object.fromEntries(
      ours.map(({ name, schema, description }) => [name, { ...schema, ...(description && { description }) }]),
    ),
  }
}

function answerKind(
  document: ApiDescription,
  contents: readonly Readonly<Record<string, unknown>>[],
  answers: readonly JsonSchema[],
): AnswerKind {
  const types = contents.flatMap((content) => Object.keys(content))
  if (types.length === 0) return 'nothing'
  if (types.includes('application/x-ndjson')) return 'bytes'
  if (!types.includes('application/json')) return 'text'
  return answers.every((answer) => 'next_cursor' in propertiesOf(document, answer)) ? 'list' : 'json'
}

/** The members of an object's schema, which may be a reference to a component. */
export function propertiesOf({ components }: ApiDescription, schema: JsonSchema): Readonly<Record<string, JsonSchema>> {
  const name = componentName(schema['$ref'])
  const { properties = {} } = (name === undefined ? schema : components.schemas[name]) ?? {}
  return properties as Readonly<Record<string, JsonSchema>>
}

export function componentName(reference: unknown): string | undefined {
  return typeof reference === 'string' ? /^#\/components\/schemas\/(\w+)$/.exec(reference)?.[1] : undefined
}

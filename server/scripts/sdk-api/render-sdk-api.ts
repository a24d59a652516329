import { docText, typeText } from '../../src/cli/types/type-text.ts'
import type { TypeTextOptions } from '../../src/cli/types/type-text.ts'
import type { ApiDescription, JsonSchema, SdkOperation } from './read-operations.ts'
import { componentName, propertiesOf, readOperations } from './read-operations.ts'

const head = '/** Made from docs/openapi.json by `npm run openapi`; not to be changed by hand. */\n'

/** The files of `sdk/src/api`, by name. */
export function renderSdkApi(document: ApiDescription): ReadonlyMap<string, string> {
  const operations = readOperations(document)
  const made = operations.filter(({ isHandWritten }) => !isHandWritten)
  return new Map([
    ['types.ts', renderTypes(document, operations)],
    ['resources.ts', renderResources(document, made)],
    ['routes.ts', renderRoutes(made)],
  ])
}

/** Components under their own names, and what requests hold: `ListEventsQuery`, `CreateSubscriptionBody`. */
function renderTypes(document: ApiDescription, operations: readonly SdkOperation[]): string {
  const sent = new Set(operations.flatMap(({ body }) => componentName(body?.['$ref']) ?? []))
  const components = Object.entries(document.components.schemas).map(([name, schema]) =>
    declaration(name, schema, sent.has(name)),
  )
  const requests = operations.flatMap((operation) => {
    const { query, body, operationId } = operation
    if (query) return [declaration(queryName(operation), withFriendlyValues(query), true, `Of \`${operationId}\`.`)]
    if (body && !componentName(body['$ref'])) return [declaration(bodyName(operation), body, true)]
    return []
  })
  return [head, codes(document), ...components, ...requests].join('\n')
}

function codes({ components }: ApiDescription): string {
  const schema = propertiesOf({ paths: {}, components }, { $ref: '#/components/schemas/Problem' })['code']
  return `/** The stable codes of problem documents. */\nexport type ProblemCode =\n  | ${typeText(schema, references()).replaceAll(' | ', '\n  | ')}\n`
}

function declaration(name: string, schema: JsonSchema, isInput: boolean, about?: string): string {
  const doc = docText(about === undefined ? schema : { description: about }, '')
  const text = typeText(schema, references(isInput))
  return text.startsWith('{') && text.endsWith('\n}')
    ? `${doc}export interface ${name} ${text}\n`
    : `${doc}export type ${name} = ${text}\n`
}

function references(isInput = false): TypeTextOptions {
  return {
    isInput,
    resolve: (reference) => {
      if (reference in friendlyTypes) return { name: reference }
      const name = componentName(reference)
      return name === undefined ? undefined : { name }
    },
  }
}

/** What a query's values may be given as beside text; the client writes them as the server reads them. */
const friendlyTypes: Readonly<Record<string, readonly string[]>> = {
  'string | Date': ['from', 'to', 'at'],
  'string | number': ['entity_id', 'related_id', 'actor_id'],
  'string | Readonly<Record<string, unknown>>': ['filter'],
  'string | readonly string[]': ['event_names', 'fields'],
}

function withFriendlyValues(query: JsonSchema): JsonSchema {
  const properties = Object.entries(query['properties'] as Readonly<Record<string, JsonSchema>>).map(
    ([name, schema]) => {
      const [type] = Object.entries(friendlyTypes).find(([, names]) => names.includes(name)) ?? []
      return [name, type === undefined ? schema : { $ref: type, description: schema['description'] }]
    },
  )
  return { ...query, properties: Object.fromEntries(properties) }
}

/** One interface per resource, one method per operation, and what they are together. */
function renderResources(document: ApiDescription, operations: readonly SdkOperation[]): string {
  const resources = [...Map.groupBy(operations, ({ resource }) => resource)]
  const interfaces = resources.map(
    ([resource, ours]) =>
      `export interface ${interfaceName(resource)} {\n${ours.map((one) => methodText(document, one)).join('\n')}}\n`,
  )
  const members = resources.map(([resource]) => `  readonly ${resource}: ${interfaceName(resource)}\n`)
  const body = [...interfaces, `export interface Resources {\n${members.join('')}}\n`].join('\n')
  const typeNames = [...operations.flatMap((one) => namesUsed(one)), ...Object.keys(document.components.schemas)]
  const imported = (names: readonly string[]): string =>
    names
      .filter((name) => new RegExp(`\\b${name}\\b`).test(body))
      .toSorted()
      .map((name) => `  ${name},\n`)
      .join('')
  return [
    head,
    `import type {\n${imported(['CallOptions', 'ConditionalCallOptions'])}} from '../call-options.ts'`,
    `import type { List, Page } from '../list.ts'`,
    `import type {\n${imported([...new Set(typeNames)])}} from './types.ts'\n`,
    body,
  ].join('\n')
}

function methodText(document: ApiDescription, operation: SdkOperation): string {
  const { pathNames, query, body, hasIfMatch, method, about } = operation
  const isOptional = query !== undefined && !(query['required'] as readonly string[]).length
  const parameters = [
    ...pathNames.map((name) => `${camelCase(name)}: string`),
    ...(query ? [`query${isOptional ? '?' : ''}: ${queryName(operation)}`] : []),
    ...(body ? [`body: ${componentName(body['$ref']) ?? bodyName(operation)}`] : []),
    `options?: ${hasIfMatch ? 'ConditionalCallOptions' : 'CallOptions'}`,
  ]
  return `${docText({ description: about }, '  ')}  ${method}(${parameters.join(', ')}): ${answerText(document, operation)}\n`
}

function answerText(document: ApiDescription, { answer, answers }: SdkOperation): string {
  if (answer === 'nothing') return 'Promise<void>'
  if (answer === 'text') return 'Promise<string>'
  if (answer === 'bytes') return 'Promise<ReadableStream<Uint8Array>>'
  const types = [...new Set(answers.map((schema) => typeText(schema, references(), '  ')))].join(' | ')
  if (answer === 'json') return `Promise<${types}>`
  const [schema = {}] = answers
  const item = typeText(propertiesOf(document, schema)['data']?.['items'], references(), '  ')
  // A list whose pages are more than a list says what else they hold.
  return componentName(schema['$ref']) ? `List<${item}, ${types}>` : `List<${item}, Page<${item}>>`
}

/** What the client needs to know at run time. */
function renderRoutes(operations: readonly SdkOperation[]): string {
  const resources = [...Map.groupBy(operations, ({ resource }) => resource)].map(([resource, ours]) => {
    const methods = ours.map((one) => {
      const takes = one.query ? 'query' : one.body ? 'body' : 'nothing'
      const fields = [
        `verb: '${one.verb}'`,
        `path: '${one.path}'`,
        `takes: '${takes}'`,
        `answer: '${one.answer}'`,
        `isRepeatable: ${one.isRepeatable}`,
      ]
      return `    ${one.method}: { ${fields.join(', ')} },\n`
    })
    return `  ${resource}: {\n${methods.join('')}  },\n`
  })
  return [
    head,
    `import type { Route } from '../route.ts'\n`,
    `export const routes: Readonly<Record<string, Readonly<Record<string, Route>>>> = {\n${resources.join('')}}\n`,
  ].join('\n')
}

function namesUsed(operation: SdkOperation): readonly string[] {
  return [queryName(operation), bodyName(operation)]
}

function queryName({ operationId }: SdkOperation): string {
  return `${upperFirst(operationId)}Query`
}

function bodyName({ operationId }: SdkOperation): string {
  return `${upperFirst(operationId)}Body`
}

function interfaceName(resource: string): string {
  return `${upperFirst(resource)}Resource`
}

function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

function camelCase(text: string): string {
  return text.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
}

/** OpenAPI 3.0 (with `x-webhooks`), 3.1 and 3.2: each webhook is an event, each callback too if that is asked for. */
import { isSchemaObject, member } from '../schema-node.ts'
import { addDescribed } from './add-definition.ts'
import type { Dialect } from './modern-members.ts'
import { addFault, addWarning, below, follow, itemsOf, listOf, membersOf, textOf } from './reading.ts'
import type { Place, Reading } from './reading.ts'

const methods = ['post', 'put', 'patch', 'get', 'delete', 'options', 'head', 'trace', 'query']

const jsonType = /^(?:application\/(?:[\w.+-]+\+)?json|\*\/\*|application\/\*)(?:\s*;.*)?$/i

export function readOpenApi(reading: Reading, withCallbacks: boolean): void {
  const root: Place = { value: reading.document, pointer: '' }
  const dialect = dialectOf(reading, root)
  if (dialect === undefined) return
  const before = reading.faults.length
  for (const section of ['webhooks', 'x-webhooks']) {
    for (const [name, item] of membersOf(below(root, section))) addPathItem(reading, name, item, dialect)
  }
  if (withCallbacks) addCallbacks(reading, root, dialect)
  if (reading.definitions.length > 0 || reading.faults.length > before) return
  const sections = withCallbacks ? 'webhooks, x-webhooks or callbacks' : 'webhooks or x-webhooks'
  addFault(reading, '', 'nothing_to_import', `The document has no ${sections}`)
}

function dialectOf(reading: Reading, root: Place): Dialect | undefined {
  const version = textOf(root.value, 'openapi') ?? ''
  if (/^3\.0\.\d+/.test(version)) return 'openapi-3.0'
  if (!/^3\.[12]\.\d+/.test(version)) {
    addFault(reading, '/openapi', 'unsupported_version', 'OpenAPI is read from 3.0 to 3.2')
    return undefined
  }
  return schemaDialect(reading, below(root, 'jsonSchemaDialect'))
}

function schemaDialect(reading: Reading, { value, pointer }: Place): Dialect | undefined {
  const uri = value ?? 'https://json-schema.org/draft/2020-12/schema'
  if (typeof uri === 'string') {
    if (/draft\/20(?:20-12|19-09)\/schema#?$/.test(uri) || uri.startsWith('https://spec.openapis.org/oas/3.')) {
      return '2020-12'
    }
    if (/draft-0[67]\/schema#?$/.test(uri)) return 'draft-07'
  }
  addFault(reading, pointer, 'unsupported_dialect', 'Is no dialect of JSON Schema that is known here')
  return undefined
}

/** Callbacks of operations, and those among the components that no operation names. */
function addCallbacks(reading: Reading, root: Place, dialect: Dialect): void {
  for (const [, from] of membersOf(below(root, 'paths'))) {
    const item = follow(reading, from)
    if (!item) continue
    for (const method of methods) {
      for (const [name, callback] of membersOf(below(below(item, method), 'callbacks'))) {
        addCallback(reading, name, callback, dialect)
      }
    }
  }
  for (const [name, callback] of membersOf(below(below(root, 'components'), 'callbacks'))) {
    addCallback(reading, name, callback, dialect)
  }
}

function addCallback(reading: Reading, name: string, from: Place, dialect: Dialect): void {
  const callback = follow(reading, from)
  if (!callback) return
  for (const [expression, item] of membersOf(callback)) {
    if (!expression.startsWith('x-')) addPathItem(reading, name, item, dialect)
  }
}

function addPathItem(reading: Reading, name: string, from: Place, dialect: Dialect): void {
  if (name.startsWith('x-') && !isSchemaObject(from.value)) return
  const item = follow(reading, from)
  if (!item) return
  const operations = methods.map((method) => below(item, method)).filter(({ value }) => isSchemaObject(value))
  const [operation, ...more] = operations.filter(({ value }) => member(value, 'requestBody') !== undefined)
  if (!operation) return addFault(reading, item.pointer, 'no_payload', 'Has no operation with a request body')
  if (more.length > 0) {
    return addFault(reading, item.pointer, 'several_operations', 'Has several operations with a request body')
  }
  addOperation(reading, name, item, operation, dialect)
}

function addOperation(reading: Reading, name: string, item: Place, operation: Place, dialect: Dialect): void {
  const body = follow(reading, below(operation, 'requestBody'))
  if (!body) return
  const media = membersOf(below(body, 'content')).find(([type]) => jsonType.test(type))?.[1]
  const content = media && follow(reading, media)
  const schema = content && below(content, 'schema')
  if (!schema || schema.value === undefined) {
    return addFault(reading, body.pointer, 'no_payload', 'Has no content of type application/json with a schema')
  }
  if (member(operation.value, 'deprecated') === true) {
    addWarning(reading, operation.pointer, 'deprecated_ignored', 'Is deprecated, which the import does not take over')
  }
  addDescribed(reading, {
    name,
    place: item,
    givenName: member(operation.value, 'x-event-name') ?? member(item.value, 'x-event-name'),
    schema,
    dialect,
    title: textOf(operation.value, 'summary') ?? textOf(item.value, 'summary'),
    description: textOf(operation.value, 'description') ?? textOf(item.value, 'description'),
    tags: listOf(member(operation.value, 'tags')),
    examples: examplesOf(reading, content),
  })
}

function examplesOf(reading: Reading, content: Place): readonly unknown[] {
  const single = member(content.value, 'example')
  const examples: unknown[] = single === undefined ? [] : [single]
  const named = below(content, 'examples')
  const places = Array.isArray(named.value) ? itemsOf(named) : membersOf(named).map(([, place]) => place)
  for (const place of places) {
    const example = follow(reading, place)
    if (!example) continue
    const value = member(example.value, 'value') ?? member(example.value, 'dataValue')
    if (value !== undefined) examples.push(value)
    else addWarning(reading, example.pointer, 'example_left_out', 'Has no value of its own; nothing is fetched')
  }
  return examples
}

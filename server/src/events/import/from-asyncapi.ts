/** AsyncAPI 2 and 3: each message is an event, whichever channel or operation it belongs to. */
import { isSchemaObject, member } from '../schema-node.ts'
import { addDescribed } from './add-definition.ts'
import type { Dialect } from './modern-members.ts'
import { addFault, addWarning, below, follow, itemsOf, listOf, membersOf, textOf } from './reading.ts'
import type { Place, Reading } from './reading.ts'

type Version = 2 | 3

interface Messages {
  readonly reading: Reading
  readonly version: Version
  /** Pointers of those that were read: several channels may refer to one. */
  readonly seen: Set<string>
}

export function readAsyncApi(reading: Reading): void {
  const root: Place = { value: reading.document, pointer: '' }
  const version = versionOf(reading, root)
  if (version === undefined) return
  const before = reading.faults.length
  const messages: Messages = { reading, version, seen: new Set() }
  // Messages by the names of the components first: channels mostly refer to them.
  for (const [key, message] of membersOf(below(below(root, 'components'), 'messages'))) {
    addMessage(messages, key, message)
  }
  for (const [key, from] of membersOf(below(root, 'channels'))) {
    const channel = follow(reading, from)
    if (channel) addChannel(messages, key, channel)
  }
  if (reading.definitions.length > 0 || reading.faults.length > before) return
  addFault(reading, '', 'nothing_to_import', 'The document has no messages')
}

function versionOf(reading: Reading, { value }: Place): Version | undefined {
  const version = textOf(value, 'asyncapi') ?? ''
  if (/^2\.\d+\.\d+/.test(version)) return 2
  if (/^3\.\d+\.\d+/.test(version)) return 3
  addFault(reading, '/asyncapi', 'unsupported_version', 'AsyncAPI is read in the versions 2 and 3')
  return undefined
}

function addChannel(messages: Messages, key: string, channel: Place): void {
  if (messages.version === 3) {
    for (const [name, message] of membersOf(below(channel, 'messages'))) addMessage(messages, name, message)
    return
  }
  for (const direction of ['subscribe', 'publish']) {
    const message = below(below(channel, direction), 'message')
    if (message.value === undefined) continue
    const alternatives = below(message, 'oneOf')
    for (const one of Array.isArray(alternatives.value) ? itemsOf(alternatives) : [message]) {
      addMessage(messages, key, one)
    }
  }
}

function addMessage({ reading, version, seen }: Messages, key: string, from: Place): void {
  const place = follow(reading, from)
  if (!place || seen.has(place.pointer)) return
  seen.add(place.pointer)
  if (!isSchemaObject(place.value)) return addFault(reading, place.pointer, 'invalid_message', 'Is no message object')
  const message = withTraits(reading, version, place)
  const payload = payloadOf(reading, version, message)
  if (!payload) return
  if (member(message.value, 'headers') !== undefined) {
    addWarning(reading, message.pointer, 'headers_ignored', 'Its headers are not part of the definition')
  }
  addDescribed(reading, {
    name: textOf(message.value, 'name') ?? textOf(message.value, 'messageId') ?? keyOf(key, from, place),
    place: message,
    givenName: member(message.value, 'x-event-name'),
    ...payload,
    title: textOf(message.value, 'title') ?? textOf(message.value, 'summary'),
    description: textOf(message.value, 'description') ?? textOf(message.value, 'summary'),
    tags: listOf(member(message.value, 'tags')),
    examples: examplesOf(message),
  })
}

/** A message that is referred to has the name it has there. */
function keyOf(key: string, from: Place, place: Place): string {
  if (from.pointer === place.pointer) return key
  const token = place.pointer.slice(place.pointer.lastIndexOf('/') + 1)
  return token.replaceAll('~1', '/').replaceAll('~0', '~')
}

/** Traits fill in what the message does not say; in AsyncAPI 2 they stand over it. They have no payload. */
function withTraits(reading: Reading, version: Version, message: Place): Place {
  const traits: (readonly [string, unknown])[] = []
  for (const from of itemsOf(below(message, 'traits'))) {
    const trait = follow(reading, from)
    if (isSchemaObject(trait?.value)) traits.push(...Object.entries(trait.value).filter(([key]) => key !== 'payload'))
  }
  const own = isSchemaObject(message.value) ? Object.entries(message.value) : []
  return { ...message, value: Object.fromEntries(version === 2 ? [...own, ...traits] : [...traits, ...own]) }
}

interface Payload {
  readonly schema: Place
  readonly dialect: Dialect
}

function payloadOf(reading: Reading, version: Version, message: Place): Payload | undefined {
  const type = textOf(message.value, 'contentType') ?? textOf(reading.document, 'defaultContentType')
  if (type !== undefined && !/^[\w.+-]+\/(?:[\w.+-]+\+)?json(?:\s*;.*)?$/i.test(type)) {
    addFault(reading, message.pointer, 'unsupported_content_type', 'Its content is not JSON')
    return undefined
  }
  const written = below(message, 'payload')
  if (written.value === undefined) {
    addFault(reading, message.pointer, 'no_payload', 'Has no payload')
    return undefined
  }
  // A schema of the components may be of the form with a schemaFormat too.
  const payload = follow(reading, written)
  if (!payload) return undefined
  const isMultiFormat = version === 3 && member(payload.value, 'schemaFormat') !== undefined
  const format = member(isMultiFormat ? payload.value : message.value, 'schemaFormat')
  const dialect = dialectOf(format)
  if (dialect === undefined) {
    const known =
      'Only JSON Schema, and the Schema Object of AsyncAPI and OpenAPI, are read; not Avro, Protobuf or RAML'
    addFault(reading, payload.pointer, 'unsupported_schema_format', known)
    return undefined
  }
  return { schema: isMultiFormat ? below(payload, 'schema') : written, dialect }
}

const dialects: readonly (readonly [form: RegExp, dialect: Dialect])[] = [
  [/^application\/vnd\.aai\.asyncapi(?:\+json|\+yaml)?(?:;|$)/, 'draft-07'],
  [/^application\/schema\+(?:json|yaml);version=draft-0[4-7]$/, 'draft-07'],
  [/^application\/schema\+(?:json|yaml)(?:;version=(?:draft[-/])?20(?:19-09|20-12))?$/, '2020-12'],
  [/^application\/vnd\.oai\.openapi(?:\+json|\+yaml)?;version=3\.0(?:\.\d+)?$/, 'openapi-3.0'],
  [/^application\/vnd\.oai\.openapi(?:\+json|\+yaml)?;version=3\.1(?:\.\d+)?$/, '2020-12'],
]

function dialectOf(format: unknown): Dialect | undefined {
  if (format === undefined) return 'draft-07'
  if (typeof format !== 'string') return undefined
  const compact = format.toLowerCase().replaceAll(/[\s"]/g, '')
  return dialects.find(([form]) => form.test(compact))?.[1]
}

function examplesOf(message: Place): readonly unknown[] {
  return listOf(member(message.value, 'examples'))
    .map((example) => member(example, 'payload'))
    .filter((payload) => payload !== undefined)
}

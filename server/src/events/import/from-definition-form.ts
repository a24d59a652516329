/** The form of our own files: one definition, or several as the member `definitions`. */
import { Type } from 'typebox'
import type { Static } from 'typebox'
import { compatibilityModes } from '../../lib/compatibility-modes.ts'
import { EXAMPLES_MAX } from '../../lib/definition-limits.ts'
import { createSchemaCompiler } from '../compile-schema.ts'
import type { ValidatePayload } from '../compile-schema.ts'
import { definitionStatuses } from '../definition-lifecycle.ts'
import { isEventName } from '../event-names.ts'
import { checkSchemaText } from '../schema-limits.ts'
import { isSchemaObject, member } from '../schema-node.ts'
import { claimName } from './add-definition.ts'
import { addFault, below, itemsOf } from './reading.ts'
import type { Place, Reading } from './reading.ts'

const Pointer = Type.Object(
  { type: Type.String({ minLength: 1, maxLength: 64 }), id: Type.String({ format: 'json-pointer', minLength: 1 }) },
  { additionalProperties: false },
)

const textOrNull = (maxLength: number) =>
  Type.Unsafe<string | null>({ type: ['string', 'null'], minLength: 1, maxLength })

/** Like a file of the standard definitions; only the name and the schema have to be there. */
const Form = Type.Object(
  {
    event_name: Type.String(),
    version: Type.Optional(
      Type.Integer({ minimum: 1, description: 'For people; versions are counted where it is imported' }),
    ),
    status: Type.Optional(Type.Enum([...definitionStatuses])),
    compatibility: Type.Optional(Type.Enum([...compatibilityModes])),
    title: Type.Optional(textOrNull(100)),
    description: Type.Optional(textOrNull(5_000)),
    entity: Type.Optional(Type.Union([Pointer, Type.Null()])),
    related: Type.Optional(Type.Array(Pointer, { maxItems: 16 })),
    owner: Type.Optional(textOrNull(100)),
    tags: Type.Optional(Type.Array(Type.String({ pattern: '^[a-z0-9-]{1,50}$' }), { maxItems: 20, uniqueItems: true })),
    schema: Type.Unsafe<unknown>({ type: ['object', 'boolean'] }),
    examples: Type.Optional(Type.Array(Type.Unknown(), { maxItems: EXAMPLES_MAX })),
  },
  { additionalProperties: false },
)

type Form = Static<typeof Form>

let validate: ValidatePayload | undefined

export function readDefinitionForm(reading: Reading): void {
  const root: Place = { value: reading.document, pointer: '' }
  const list = below(root, 'definitions')
  const places = member(root.value, 'event_name') === undefined && Array.isArray(list.value) ? itemsOf(list) : [root]
  if (places.length === 0) addFault(reading, '/definitions', 'nothing_to_import', 'The list is empty')
  validate ??= createSchemaCompiler()(Form)
  for (const place of places) {
    const faults = validate(place.value)
    for (const { pointer, code, message } of faults) addFault(reading, place.pointer + pointer, code, message)
    if (faults.length === 0 && isForm(place.value)) addForm(reading, place, place.value)
  }
}

/** Only asked of what has no faults. */
function isForm(value: unknown): value is Form {
  return isSchemaObject(value)
}

function addForm(reading: Reading, place: Place, form: Form): void {
  const namePointer = below(place, 'event_name').pointer
  if (!isEventName(form.event_name)) {
    return addFault(
      reading,
      namePointer,
      'invalid_event_name',
      'Is no event name: 1 to 6 dotted segments of a-z, 0-9, _ and -',
    )
  }
  if (!claimName(reading, form.event_name, place.pointer)) return
  const schema = withEntities(reading, place, form)
  if (schema === undefined) return
  const tooLarge = checkSchemaText(JSON.stringify(schema))
  const schemaPointer = below(place, 'schema').pointer
  for (const { pointer, code, message } of tooLarge) addFault(reading, schemaPointer + pointer, code, message)
  if (tooLarge.length > 0) return
  reading.definitions.push({
    eventName: form.event_name,
    pointer: place.pointer,
    ...(typeof form.title === 'string' && { title: form.title }),
    ...(typeof form.description === 'string' && { description: form.description }),
    ...(typeof form.owner === 'string' && { owner: form.owner }),
    ...(form.tags !== undefined && { tags: form.tags }),
    schema,
    ...(form.examples !== undefined && { examples: form.examples }),
    ...(form.status !== undefined && { status: form.status }),
    ...(form.compatibility !== undefined && { compatibility: form.compatibility }),
  })
}

/** A definition that is stored says in its schema where the ids of entities are. */
function withEntities(reading: Reading, place: Place, form: Form): unknown {
  const { entity, related = [], schema } = form
  const given = { ...(entity && { 'x-entity': entity }), ...(related.length > 0 && { 'x-related': related }) }
  if (Object.keys(given).length === 0) return schema
  if (!isSchemaObject(schema)) {
    addFault(reading, below(place, 'schema').pointer, 'entity_conflict', 'Is no object, so it cannot name entities')
    return undefined
  }
  for (const [keyword, value] of Object.entries(given)) {
    const own = member(schema, keyword)
    if (own === undefined || JSON.stringify(own) === JSON.stringify(value)) continue
    const message = `Names other entities than ${keyword === 'x-entity' ? 'entity' : 'related'} beside it`
    addFault(reading, below(below(place, 'schema'), keyword).pointer, 'entity_conflict', message)
    return undefined
  }
  return { ...schema, ...given }
}

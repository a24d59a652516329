/**
 * One object of an older schema language in the words of JSON Schema 2020-12. Only this object: what lies below is for the
 * caller, which knows where schemas lie below schemas once the words are the new ones.
 *
 * Sources: JSON Schema 2020-12 Core, appendix and release notes (items, dependencies, `$ref`); OpenAPI 3.0.4, 4.7.24 (Schema
 * Object); AsyncAPI 2.6 and 3.0, Schema Object (a superset of draft 07).
 */
import { isSchemaObject } from '../schema-node.ts'
import type { SchemaObject } from '../schema-node.ts'
import { addFault, addWarning, below } from './reading.ts'
import type { Place, Reading } from './reading.ts'

export type Dialect = '2020-12' | 'draft-07' | 'openapi-3.0'

export interface Member {
  readonly keyword: string
  /** Its value, and where the document has it, perhaps under another keyword. */
  readonly place: Place
}

const unknownToDraft07 = [
  'prefixItems',
  'dependentRequired',
  'dependentSchemas',
  'minContains',
  'maxContains',
  'unevaluatedItems',
  'unevaluatedProperties',
]
const unknownTo: Readonly<Record<Dialect, ReadonlySet<string>>> = {
  '2020-12': new Set(),
  'draft-07': new Set(unknownToDraft07),
  'openapi-3.0': new Set([
    ...unknownToDraft07,
    'const',
    'contains',
    'dependencies',
    'else',
    'if',
    'patternProperties',
    'propertyNames',
    'then',
  ]),
}

/** They say something to people and programs, and nothing about what fits. */
const annotations = new Set([
  '$comment',
  'default',
  'deprecated',
  'description',
  'example',
  'examples',
  'externalDocs',
  'readOnly',
  'summary',
  'title',
  'writeOnly',
  'xml',
])

/** Their meaning depends on from where a schema is reached. */
const dynamicReferences = new Set(['$dynamicRef', '$recursiveRef'])

/** Names by which others refer to a schema. Such references are faults, so the name means nothing. */
const identifiers = new Set(['$anchor', '$dynamicAnchor', '$recursiveAnchor', '$id', 'id', '$vocabulary'])

/** Reached by the references to them alone. */
const stores = new Set(['$defs', 'definitions'])

export function modernMembers(reading: Reading, schema: Place, dialect: Dialect): readonly Member[] {
  const object = isSchemaObject(schema.value) ? schema.value : {}
  const isReferenceAlone = dialect !== '2020-12' && typeof object['$ref'] === 'string'
  const members: Member[] = []
  for (const keyword of Object.keys(object)) {
    const place = below(schema, keyword)
    if (stores.has(keyword)) continue
    if (isReferenceAlone && keyword !== '$ref' && !annotations.has(keyword)) {
      addWarning(
        reading,
        place.pointer,
        'ignored_beside_ref',
        'Means nothing beside $ref in this dialect, and is left out',
      )
    } else if (dynamicReferences.has(keyword)) {
      addFault(reading, place.pointer, 'unsupported_reference', `${keyword} cannot be followed`)
    } else if (isIdentifier(keyword, place.value)) {
      addWarning(reading, place.pointer, 'identifier_left_out', `${keyword} is left out`)
    } else if (keyword === '$schema') {
      checkDialect(reading, place)
    } else {
      if (unknownTo[dialect].has(keyword)) {
        const message = `${keyword} is no keyword of this document's dialect; it is taken as JSON Schema 2020-12 has it`
        addWarning(reading, place.pointer, 'later_keyword', message)
      }
      members.push(...modernMember(reading, object, keyword, place, dialect))
    }
  }
  return members
}

/** `id` was one in draft 04. A member `properties` of a schema may well be named so, but that is not looked at here. */
function isIdentifier(keyword: string, value: unknown): boolean {
  return identifiers.has(keyword) && (keyword !== 'id' || typeof value === 'string')
}

const knownDialect =
  /^https?:\/\/(?:json-schema\.org\/(?:draft-0[4-7]|draft\/20(?:19-09|20-12))\/schema#?|spec\.openapis\.org\/oas\/3\.1\/.*)$/

function checkDialect(reading: Reading, { value, pointer }: Place): void {
  if (typeof value === 'string' && knownDialect.test(value)) return
  addFault(reading, pointer, 'unsupported_dialect', 'Is no dialect of JSON Schema that is known here')
}

function modernMember(
  reading: Reading,
  object: SchemaObject,
  keyword: string,
  place: Place,
  dialect: Dialect,
): readonly Member[] {
  const same = [{ keyword, place }]
  switch (keyword) {
    case 'example':
      return 'examples' in object ? same : [{ keyword: 'examples', place: { ...place, value: [place.value] } }]
    case 'dependencies':
      return splitDependencies(place)
    case 'nullable':
      warnOfNullable(reading, object, place, dialect)
      return []
    case 'type':
      return [{ keyword, place: { ...place, value: typeOrNull(object, place.value, dialect) } }]
    case 'items':
      return dialect === 'draft-07' && Array.isArray(place.value) ? [{ keyword: 'prefixItems', place }] : same
    case 'additionalItems':
      if (dialect === '2020-12') return same
      return Array.isArray(object['items']) ? [{ keyword: 'items', place }] : []
    case 'minimum':
    case 'maximum':
      return object[exclusiveOf[keyword]] === true ? [{ keyword: exclusiveOf[keyword], place }] : same
    case 'exclusiveMinimum':
    case 'exclusiveMaximum':
      // As in draft 04: true makes the limit beside it exclusive, false says nothing.
      return typeof place.value === 'boolean' ? [] : same
    default:
      return same
  }
}

const exclusiveOf = { minimum: 'exclusiveMinimum', maximum: 'exclusiveMaximum' } as const

function splitDependencies(place: Place): readonly Member[] {
  if (!isSchemaObject(place.value)) return [{ keyword: 'dependencies', place }]
  const entries = Object.entries(place.value)
  const part = (keyword: string, isInIt: (value: unknown) => boolean): readonly Member[] => {
    const value = Object.fromEntries(entries.filter(([, one]) => isInIt(one)))
    return Object.keys(value).length === 0 ? [] : [{ keyword, place: { ...place, value } }]
  }
  return [
    ...part('dependentRequired', (one) => Array.isArray(one)),
    ...part('dependentSchemas', (one) => !Array.isArray(one)),
  ]
}

/** OpenAPI 3.0.3 and later: `nullable` widens the `type` beside it, and nothing else. */
function typeOrNull(object: SchemaObject, type: unknown, dialect: Dialect): unknown {
  return dialect === 'openapi-3.0' && object['nullable'] === true && typeof type === 'string' ? [type, 'null'] : type
}

function warnOfNullable(reading: Reading, object: SchemaObject, { value, pointer }: Place, dialect: Dialect): void {
  if (value !== true) return
  if (dialect !== 'openapi-3.0' || typeof object['type'] !== 'string') {
    const message = 'Means nothing without a type beside it, or outside OpenAPI 3.0; null does not fit for its sake'
    addWarning(reading, pointer, 'nullable_without_effect', message)
  } else if (Array.isArray(object['enum']) && !object['enum'].includes(null)) {
    const message = 'The enum beside it does not hold null, so null does not fit'
    addWarning(reading, pointer, 'nullable_without_effect', message)
  }
}

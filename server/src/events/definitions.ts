/**
 * Definitions say what an event name means and what its payload looks like. The standard ones are files in one folder: more
 * can be put there without touching code, and one that is wrong keeps the server from starting.
 */
import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { parseJsonPointer, valueAt } from '../lib/json-pointer.ts'
import type { Fault } from '../lib/problems.ts'
import type { Allowance } from './allowance.ts'
import { createSchemaCompiler } from './compile-schema.ts'
import type { CompileSchema, ValidatePayload } from './compile-schema.ts'
import { createDefinitionFileReader } from './definition-file.ts'
import type { DefinitionFile, FaultyFile } from './definition-file.ts'
import type { EntityRef } from './event.ts'
import { isEventName, isReservedEventName } from './event-names.ts'

/** Where a payload holds an entity's id: `id` is a JSON pointer (RFC 6901) into it. */
export interface EntityPointer {
  readonly type: string
  readonly id: string
}

/** The part of a definition that publishes are judged by. */
export interface PublishDefinition {
  readonly eventName: string
  readonly version: number
  readonly entity?: EntityPointer
  readonly related: readonly EntityPointer[]
  /** It still holds, and its publishers should be told that it will not for ever. */
  readonly isDeprecated?: boolean
  /**
   * What keeps a payload from being one of this event, at most 50 faults; none if it fits. The code of a fault is the
   * schema's keyword, or `entity_id` where an entity's id cannot be one. Messages hold nothing of the payload. Throws the
   * problem `too_busy` when the allowance has no time left; who has no deadline of another kind gives one.
   */
  validate(payload: unknown, allowance?: Allowance): readonly Fault[]
}

/** A standard definition. */
export interface Definition extends PublishDefinition {
  readonly title: string
  readonly description: string
  readonly owner?: string
  readonly tags: readonly string[]
  /** JSON Schema 2020-12. */
  readonly schema: unknown
  readonly examples: readonly unknown[]
}

export interface Definitions {
  get(eventName: string): Definition | undefined
  names(): readonly string[]
}

/** The definitions that are in force for a publish. */
export interface PublishDefinitions {
  get(eventName: string): PublishDefinition | undefined
  names(): readonly string[]
  /** Why {@link get} has none although there is one. */
  notInForce?(eventName: string): 'draft' | 'archived' | undefined
}

/** A longer text found in a payload cannot be an entity's id. */
export const ENTITY_ID_LENGTH_MAX = 256

/** The entities that a definition's pointers find in a payload. What is absent, null or cannot be an id is left out. */
export function entitiesFromPayload(
  definition: Pick<Definition, 'entity' | 'related'>,
  payload: unknown,
): { entity?: EntityRef; related: EntityRef[] } {
  const related: EntityRef[] = []
  for (const pointer of definition.related) {
    const found = findEntity(pointer, payload)
    if (found) related.push(found)
  }
  const entity = definition.entity && findEntity(definition.entity, payload)
  return entity ? { entity, related } : { related }
}

function findEntity(pointer: EntityPointer, payload: unknown): EntityRef | undefined {
  const id = entityId(valueAt(payload, parseJsonPointer(pointer.id)))
  return id === undefined ? undefined : { type: pointer.type, id }
}

/** Numbers that JSON's readers round would make one entity of several, so they are no ids. */
function entityId(value: unknown): string | undefined {
  if (typeof value === 'string') return value !== '' && value.length <= ENTITY_ID_LENGTH_MAX ? value : undefined
  return Number.isSafeInteger(value) ? String(value) : undefined
}

/**
 * Reads every `.json` file of the folder. Throws one error that names each faulty file and what is wrong in it. The form of
 * the file, its name, its schema and its examples are checked, and that the examples show every entity.
 */
export async function loadStandardDefinitions(directory: string): Promise<Definitions> {
  const fileNames = (await readdir(directory)).filter((name) => name.endsWith('.json')).sort()
  const read = createDefinitionFileReader()
  const compile = createSchemaCompiler()
  const byName = new Map<string, Definition>()
  const errors: string[] = []
  for (const fileName of fileNames) {
    const file = read(await readFile(join(directory, fileName)))
    const result = 'faults' in file ? file : toDefinition(file, basename(fileName, '.json'), compile)
    if ('faults' in result) errors.push(...result.faults.map((fault) => tell(fileName, fault)))
    else byName.set(result.eventName, result)
  }
  if (errors.length > 0) throw new Error(`Faulty event definitions in ${directory}\n${errors.join('\n')}`)
  const names = [...byName.keys()]
  return { get: (eventName) => byName.get(eventName), names: () => names }
}

function tell(fileName: string, { pointer, message }: Fault): string {
  return `${fileName}: ${pointer || '(whole file)'}: ${message}`
}

function toDefinition(file: DefinitionFile, expectedName: string, compile: CompileSchema): Definition | FaultyFile {
  const nameFault = checkName(file.event_name, expectedName)
  if (nameFault) return { faults: [nameFault] }
  let fitsSchema: ValidatePayload
  try {
    fitsSchema = compile(file.schema)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return { faults: [{ pointer: '/schema', code: 'schema', message }] }
  }
  const { event_name: eventName, version, title, description, entity, related, owner, tags, schema, examples } = file
  const definition: Definition = {
    eventName,
    version,
    title,
    description,
    ...(entity && { entity }),
    related,
    ...(owner !== undefined && { owner }),
    tags,
    schema,
    examples,
    validate: withEntityIds(file, fitsSchema),
  }
  const faults = checkExamples(definition)
  return faults.length > 0 ? { faults } : definition
}

function checkName(eventName: string, expectedName: string): Fault | undefined {
  const fault = (message: string): Fault => ({ pointer: '/event_name', code: 'event_name', message })
  if (!isEventName(eventName)) return fault('Is no event name')
  if (isReservedEventName(eventName)) return fault('Is reserved')
  if (eventName !== expectedName) return fault(`Is not the name of its file, ${expectedName}`)
  return undefined
}

interface EntityPointers {
  readonly entity?: EntityPointer
  readonly related: readonly EntityPointer[]
}

/** Judges the ids of a payload's entities where its schema has nothing against it. */
export function withEntityIds(pointers: EntityPointers, fitsSchema: ValidatePayload): ValidatePayload {
  const places = idPlaces(pointers)
  return (payload, allowance) => {
    const faults = fitsSchema(payload, allowance)
    return faults.length > 0 ? faults : faultsOfIds(places, payload)
  }
}

export function entityIdFaults(pointers: EntityPointers, payload: unknown): readonly Fault[] {
  return faultsOfIds(idPlaces(pointers), payload)
}

type IdPlace = EntityPointer & { readonly keys: readonly string[] }

function idPlaces({ entity, related }: EntityPointers): readonly IdPlace[] {
  return (entity ? [entity, ...related] : related).map((one) => ({ ...one, keys: parseJsonPointer(one.id) }))
}

function faultsOfIds(places: readonly IdPlace[], payload: unknown): readonly Fault[] {
  const faults: Fault[] = []
  for (const { type, id, keys } of places) {
    const value = valueAt(payload, keys)
    if (value === undefined || value === null || entityId(value) !== undefined) continue
    const message = `Names the ${type}, so it must be a text of 1 to ${ENTITY_ID_LENGTH_MAX} characters or a whole number below 2^53`
    faults.push({ pointer: id, code: 'entity_id', message })
  }
  return faults
}

/** Every example fits and names its entity; every related entity is named in one of them. */
function checkExamples(definition: Definition): readonly Fault[] {
  const faults: Fault[] = []
  const missing = new Set(definition.related.keys())
  for (const [index, example] of definition.examples.entries()) {
    const at = `/examples/${index}`
    for (const fault of definition.validate(example)) faults.push({ ...fault, pointer: at + fault.pointer })
    if (definition.entity && !findEntity(definition.entity, example)) {
      const message = `Has no ${definition.entity.type} at ${definition.entity.id}`
      faults.push({ pointer: at, code: 'entity', message })
    }
    for (const [place, pointer] of definition.related.entries()) if (findEntity(pointer, example)) missing.delete(place)
  }
  for (const place of missing) {
    faults.push({ pointer: `/related/${place}/id`, code: 'related', message: 'Leads to no id in any example' })
  }
  return faults
}

/**
 * Definitions of events out of what describes them elsewhere: OpenAPI, AsyncAPI, or our own form; as text or as a value.
 * Nothing is fetched and nothing throws. What is wrong is listed with its place, all of it where that is possible; what
 * cannot be expressed is a fault, what is left out a warning.
 */
import { member } from '../schema-node.ts'
import { readAsyncApi } from './from-asyncapi.ts'
import { readDefinitionForm } from './from-definition-form.ts'
import { readOpenApi } from './from-openapi.ts'
import type { DefinitionDocument, DocumentFormat, ReadOptions } from './imported-definition.ts'
import { checkValue, parseDocument } from './parse-document.ts'
import { addFault, startReading, TooManyFaults } from './reading.ts'
import type { Reading } from './reading.ts'

export function readDefinitionDocument(text: string, options: ReadOptions = {}): DefinitionDocument {
  const parsed = parseDocument(text, options.fileName)
  return 'faults' in parsed ? refused(parsed.faults) : readDefinitions(parsed.value, options)
}

/** The same for a document that is parsed already. */
export function readDefinitionValue(document: unknown, options: ReadOptions = {}): DefinitionDocument {
  const checked = checkValue(document)
  return 'faults' in checked ? refused(checked.faults) : readDefinitions(checked.value, options)
}

function refused(faults: DefinitionDocument['faults']): DefinitionDocument {
  return { format: undefined, definitions: [], faults, warnings: [] }
}

function readDefinitions(document: unknown, { format: wanted, callbacks = false }: ReadOptions): DefinitionDocument {
  const reading = startReading(document)
  const format = formatOf(document)
  if (format === undefined) {
    const message =
      'Is no OpenAPI document, no AsyncAPI document and no definition: none of their first members is there'
    addFault(reading, '', 'unknown_format', message)
  } else if (wanted !== undefined && wanted !== format) {
    addFault(reading, '', 'other_format', `The document is of the format ${format}, not ${wanted}`)
  } else {
    readWhole(reading, () => readers[format](reading, callbacks))
  }
  const { definitions, faults, warnings } = reading
  return { format, definitions, faults, warnings }
}

function readWhole(reading: Reading, read: () => void): void {
  try {
    read()
  } catch (error) {
    if (!(error instanceof TooManyFaults)) throw error
    reading.faults.push({ pointer: '', code: 'too_many_faults', message: 'What comes after these faults was not read' })
  }
}

const readers = { openapi: readOpenApi, asyncapi: readAsyncApi, definition: readDefinitionForm } as const

function formatOf(document: unknown): DocumentFormat | undefined {
  if (member(document, 'openapi') !== undefined || member(document, 'swagger') !== undefined) return 'openapi'
  if (member(document, 'asyncapi') !== undefined) return 'asyncapi'
  if (member(document, 'event_name') !== undefined || member(document, 'definitions') !== undefined) {
    return 'definition'
  }
  return undefined
}

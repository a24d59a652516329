import type { Fault } from '../../lib/problems.ts'
import type { DefinitionStatus } from '../definition-lifecycle.ts'
import type { CompatibilityMode } from '../schema-compatibility.ts'

export const documentFormats = ['openapi', 'asyncapi', 'definition'] as const

export type DocumentFormat = (typeof documentFormats)[number]

/**
 * A definition as a document describes it; what is absent the document does not say. Whether the schema may be one is for
 * the judge of schemas.
 */
export interface ImportedDefinition {
  readonly eventName: string
  /** Where in the document it stands. */
  readonly pointer: string
  readonly title?: string
  readonly description?: string
  readonly owner?: string
  readonly tags?: readonly string[]
  /** JSON Schema 2020-12 that refers to nothing outside itself. */
  readonly schema: unknown
  readonly examples?: readonly unknown[]
  /** Only a file of the `definition` form says these. */
  readonly status?: DefinitionStatus
  readonly compatibility?: CompatibilityMode
}

/** Pointers lead into the document. */
export interface DefinitionDocument {
  /** Undefined if it is none that is known; then there are faults. */
  readonly format: DocumentFormat | undefined
  readonly definitions: readonly ImportedDefinition[]
  /** What keeps the document from being imported as it is meant. What has a fault is not among the definitions. */
  readonly faults: readonly Fault[]
  /** What the definitions do not say, or say otherwise than the document. */
  readonly warnings: readonly Fault[]
}

export interface ReadOptions {
  /** Its ending tells JSON from YAML. */
  readonly fileName?: string
  /** What the document has to be; without it the document says it itself. */
  readonly format?: DocumentFormat
  /** Whether the callbacks of an OpenAPI document are events too. */
  readonly callbacks?: boolean
}

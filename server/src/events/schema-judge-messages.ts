import type { Fault } from '../lib/problems.ts'
import type { CompatibilityMode, SchemaVersion, VersionIncompatibility } from './schema-compatibility.ts'

/** What the thread is asked, one question at a time. Schemas and examples are JSON texts. */
export type JudgeQuestion =
  | { readonly kind: 'check'; readonly schema: string; readonly examples: string }
  | { readonly kind: 'rehearse'; readonly schema: string; readonly texts: readonly string[] }
  | {
      readonly kind: 'compare'
      readonly mode: CompatibilityMode
      readonly versions: readonly SchemaVersion[]
      readonly next: unknown
    }
  | { readonly kind: 'sample'; readonly schema: string; readonly seed: number }

export interface FailingText {
  readonly index: number
  readonly faults: readonly Fault[]
}

/** Each question fills its own part. */
export interface JudgeAnswer {
  readonly faults?: readonly Fault[]
  readonly failing?: readonly FailingText[]
  readonly breaks?: readonly VersionIncompatibility[]
  /** JSON text. */
  readonly sample?: string
}

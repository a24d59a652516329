/**
 * What a new version of an event's schema breaks.
 *
 * Producers write payloads by the older version: it breaks them if the newer one refuses some of those. Consumers read
 * payloads by the older version: it breaks them if the newer one lets something through that the older one ruled out.
 */
import type { compatibilityModes } from '../lib/compatibility-modes.ts'
import { compareEntityIds } from './compare-entity-ids.ts'
import type { Gap } from './inclusion-check.ts'
import { findGaps } from './schema-inclusion.ts'
import { rootNode } from './schema-node.ts'

export interface Incompatibility {
  readonly breaks: 'producers' | 'consumers'
  /**
   * Place of the keyword that is not kept: for producers in the newer schema, which demands it; for consumers in the older
   * schema, which promised it.
   */
  readonly pointer: string
  /** The keyword, or `undecided` where comparing the schemas cannot tell; that counts as a break. */
  readonly code: string
  readonly message: string
}

/**
 * Empty if the two schemas take the same payloads. If nothing breaks consumers, every payload of the newer schema fits the
 * older one; if nothing breaks producers, the reverse. The opposite does not hold: what is reported may be harmless. Both
 * schemas must be such that they compile.
 */
export function compareSchemas(older: unknown, newer: unknown): readonly Incompatibility[] {
  // Copies, so that no part belongs to both.
  const [before, after] = [rootNode(structuredClone(older)), rootNode(structuredClone(newer))]
  return [
    ...findGaps(before, after).map((gap) => incompatibility('producers', gap)),
    ...findGaps(after, before).map((gap) => incompatibility('consumers', gap)),
  ]
}

function incompatibility(breaks: Incompatibility['breaks'], { code, pointer, demand }: Gap): Incompatibility {
  return { breaks, pointer, code, message: messageOf(breaks, code === 'undecided', demand) }
}

function messageOf(breaks: Incompatibility['breaks'], isUndecided: boolean, demand: string): string {
  if (isUndecided) {
    const affected =
      breaks === 'producers' ? 'payloads of the older version still fit' : 'the older version still holds'
    return `It cannot be decided whether ${affected}: ${demand}`
  }
  return breaks === 'producers'
    ? `The newer version demands what the older did not: ${demand}`
    : `The newer version no longer ensures what the older did: ${demand}`
}

export type CompatibilityMode = (typeof compatibilityModes)[number]

export interface SchemaVersion {
  readonly version: number
  readonly schema: unknown
}

export interface VersionIncompatibility extends Incompatibility {
  /** The older version. */
  readonly version: number
}

/** What keeps the next schema from being added under this mode; the order of the versions does not matter. */
export function checkCompatibility(
  mode: CompatibilityMode,
  versions: readonly SchemaVersion[],
  next: unknown,
): readonly VersionIncompatibility[] {
  if (mode === 'none') return []
  const newestFirst = versions.toSorted((a, b) => b.version - a.version)
  const compared = mode.endsWith('_transitive') ? newestFirst : newestFirst.slice(0, 1)
  return compared.flatMap(({ version, schema }) =>
    [...compareSchemas(schema, next), ...compareEntityIds(schema, next)]
      .filter(({ breaks }) => !mode.startsWith(breaks === 'producers' ? 'forward' : 'backward'))
      .map((one) => ({ version, ...one })),
  )
}

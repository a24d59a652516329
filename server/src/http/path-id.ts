import { canonicalUuid } from '../lib/ids.ts'
import { ProblemError } from '../lib/problems.ts'

/**
 * The id in a path. What is no UUID is answered like an id that does not exist, and like another company's: `noun` is the
 * word that the functions behind use in their own `not_found`.
 */
export function pathId(id: string, noun: string): string {
  const canonical = canonicalUuid(id)
  if (canonical === undefined) throw new ProblemError('not_found', `No ${noun} ${id}`)
  return canonical
}

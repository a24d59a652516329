import { canonicalUuid } from '../lib/ids.ts'
import { ProblemError } from '../lib/problems.ts'

/** An id that a list is filtered by. Other than in a path it is a fault of the query when it is no UUID. */
export function queryId(query: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const text = query[name]
  if (typeof text !== 'string') return undefined
  const id = canonicalUuid(text)
  if (id !== undefined) return id
  const message = 'Must be a UUID'
  throw new ProblemError('invalid_request', `The query at /${name}: ${message}`, [
    { pointer: `/${name}`, code: 'format', message },
  ])
}

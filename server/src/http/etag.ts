import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { ProblemError } from '../lib/problems.ts'

/**
 * Versions of a thing as entity tags (RFC 9110, 8.8.3). A tag stands for the settings; counters beside them may change
 * under one tag.
 */
export function setEtag(reply: FastifyReply, version: number): void {
  void reply.header('etag', etagOf(version))
}

export function etagOf(version: number): string {
  return `"${version}"`
}

export const IfMatchHeader = Type.Object({
  'if-match': Type.Optional(
    Type.String({
      maxLength: 1_000,
      description: 'Tags of which one must be the present one, or `*`; else the answer is `precondition_failed`',
      examples: ['"12"'],
    }),
  ),
})

/**
 * What the request's If-Match allows (RFC 9110, 13.1.1), as a check of the version that is there; it throws
 * `precondition_failed`. Without the header everything is allowed.
 */
export function ifMatch(request: FastifyRequest): (version: number) => void {
  const header = request.headers['if-match']
  if (header === undefined || header.trim() === '*') return () => {}
  const tags = header.split(',').map((tag) => tag.trim())
  return (version) => {
    if (tags.includes(etagOf(version))) return
    throw new ProblemError('precondition_failed', `It was changed since: its tag is ${etagOf(version)} now`)
  }
}

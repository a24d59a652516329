/** Bodies: `application/json` alone, uncompressed, through the strict reader of `lib/json-text.ts`. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { JsonBody } from '../lib/json-text.ts'
import { parseJsonBody } from '../lib/json-text.ts'
import { ProblemError } from '../lib/problems.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The body as text, with the places of its payloads; on routes that publish or keep a schema. */
    jsonBody: JsonBody | null
  }
}

export const JSON_TYPE = 'application/json'

/** Replaces Fastify's own parsers, for all routes. */
export function readJsonBodies(app: FastifyInstance): void {
  app.decorateRequest('jsonBody', null)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser<Buffer>(JSON_TYPE, { parseAs: 'buffer' }, (request, bytes, done) => {
    refuseCompressed(request)
    done(null, bytes.length === 0 ? undefined : parseJsonBody(bytes).value)
  })
  // Clients that send no body may all the same name a type for it: axios names that of forms.
  app.addContentTypeParser<Buffer>('*', { parseAs: 'buffer' }, (_request, bytes, done) => {
    if (bytes.length > 0)
      throw new ProblemError('unsupported_media_type', `Send the body as content-type: ${JSON_TYPE}`)
    done(null, undefined)
  })
}

/**
 * For the routes of one plugin: keeps the text too, with the place of the payload (`1`) or of each event's payload (`3`), or
 * of another member that is kept byte for byte.
 */
export function readPayloads(app: FastifyInstance, depth: 1 | 3, member = 'payload'): void {
  app.removeContentTypeParser(JSON_TYPE)
  app.addContentTypeParser<Buffer>(JSON_TYPE, { parseAs: 'buffer' }, (request, bytes, done) => {
    refuseCompressed(request)
    request.jsonBody = parseJsonBody(bytes, { member, depth })
    done(null, request.jsonBody.value)
  })
}

/** The payloads' own texts, in order. The body must have been validated: an event without a payload has none. */
export function payloadTexts(request: FastifyRequest): readonly string[] {
  const { jsonBody } = request
  if (!jsonBody) throw new Error(`${request.routeOptions.url} does not read payloads`)
  return jsonBody.spans.map((span) => (span ? jsonBody.text.slice(span.start, span.end) : ''))
}

/** A small compressed body may unfold into a huge one. */
function refuseCompressed(request: FastifyRequest): void {
  const encoding = request.headers['content-encoding'] ?? 'identity'
  if (encoding.toLowerCase() === 'identity') return
  throw new ProblemError('unsupported_media_type', 'Send the body without content-encoding')
}

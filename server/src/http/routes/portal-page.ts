import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { ProblemError } from '../../lib/problems.ts'
import type { HttpParts } from '../http-parts.ts'
import { portalPageHeaders } from '../security-headers.ts'

/** Hands out the portal's `index.html`, read when the server is built. Without the file the route is a 404. */
export function portalPage({ portalDirectory }: HttpParts): FastifyPluginAsyncTypebox {
  return async (app) => {
    const page = await readFile(join(portalDirectory, 'index.html')).catch(() => undefined)
    app.get('/', { config: { public: true }, schema: { hide: true } }, async (_request, reply) => {
      if (!page) throw new ProblemError('not_found', 'The portal is not part of this installation')
      return await reply.headers(portalPageHeaders).header('content-type', 'text/html; charset=utf-8').send(page)
    })
  }
}

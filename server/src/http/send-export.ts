import { Readable } from 'node:stream'
import { Type } from 'typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'

export const exportTypes = { ndjson: 'application/x-ndjson', csv: 'text/csv; charset=utf-8' } as const

export type ExportFormat = keyof typeof exportTypes

/** The response of an export in the OpenAPI document. */
export const exportResponse = {
  description: 'One JSON object, or one line of CSV, for each row; cut off when it fails on the way',
  content: { 'application/x-ndjson': { schema: Type.String() }, 'text/csv': { schema: Type.String() } },
}

/** While nothing comes out of the database, the connection is idle through no fault of the caller. */
const IDLE_MAX_MS = 60_000

export interface Export {
  readonly format: ExportFormat
  /** Of the file, without its ending. */
  readonly name: string
  readonly texts: AsyncIterator<string>
  /** Runs when the first text is made and before anything is sent. */
  readonly onBegin?: () => Promise<void>
  readonly logger: Pick<Logger, 'error'>
}

/**
 * Sends texts as they are made, each when the one before is on its way, so memory does not grow with the answer. The
 * first is made before the head of the answer is sent: what is wrong with the request is answered as a problem. When a
 * later one fails the connection is cut, without the end that chunked encoding asks for: whoever reads it can tell.
 */
export async function sendExport(request: FastifyRequest, reply: FastifyReply, wanted: Export): Promise<FastifyReply> {
  const { format, name, texts, onBegin } = wanted
  const first = await texts.next()
  await onBegin?.()
  reply.header('content-type', exportTypes[format])
  reply.header('content-disposition', `attachment; filename="${name}.${format}"`)
  return await reply.send(Readable.from(rest(request, first, wanted), { objectMode: false }))
}

async function* rest(
  { raw: { socket }, id, routeOptions }: FastifyRequest,
  first: IteratorResult<string>,
  { texts, logger }: Export,
): AsyncGenerator<string> {
  try {
    for (let next = first; next.done !== true;) {
      if (next.value !== '') yield next.value
      socket.setTimeout(0)
      next = await texts.next()
      socket.setTimeout(IDLE_MAX_MS)
    }
  } catch (err) {
    logger.error({ request_id: id, route: routeOptions.url ?? 'none', err }, 'export cut off')
    throw err
  } finally {
    await texts.return?.()
  }
}

import { Readable } from 'node:stream'
import { Type } from 'typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'

export const exportTypes = { ndjson: 'application/x-ndjson', csv: 'text/csv; charset=utf-8' } as const

export type ExportFormat = keyof typeof exportTypes

/** The response of an export in the OpenAPI document. */
export const exportResponse = {
  description: 'One JSON object, or one line of CSV, for each row; cut off when it fails on the way',
  content: { 'application/x-ndjson': { schema: Type.String() }, 'text/csv': { schema: Type.String() } },
}

/** While nothing comes out of the database, the connection is idle through no fault of the caller. */
const IDLE_MAX_MS = 60_000

/**
 * Sends texts as they are made, each when the one before is on its way, so memory does not grow with the answer. The
 * first is made before the head of the answer is sent: what is wrong with the request is answered as a problem. When a
 * later one fails the connection is cut, without the end that chunked encoding asks for: whoever reads it can tell.
 */
export async function sendExport(
  request: FastifyRequest,
  reply: FastifyReply,
  format: ExportFormat,
  name: string,
  texts: AsyncIterator<string>,
): Promise<FastifyReply> {
  const first = await texts.next()
  const stream = Readable.from(rest(request, first, texts), { objectMode: false, highWaterMark: 64 * 1024 })
  reply.header('content-type', exportTypes[format])
  reply.header('content-disposition', `attachment; filename="${name}.${format}"`)
  return await reply.send(stream)
}

async function* rest(
  { raw: { socket } }: FastifyRequest,
  first: IteratorResult<string>,
  texts: AsyncIterator<string>,
): AsyncGenerator<string> {
  try {
    for (let next = first; next.done !== true;) {
      if (next.value !== '') yield next.value
      socket.setTimeout(0)
      next = await texts.next()
      socket.setTimeout(IDLE_MAX_MS)
    }
  } finally {
    await texts.return?.()
  }
}

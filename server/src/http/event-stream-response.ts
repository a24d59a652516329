import type { ServerResponse } from 'node:http'
import type { FastifyReply } from 'fastify'
import type { StreamSink } from '../events/stream/stream-listener.ts'
import { EVENT_STREAM_TYPE } from '../lib/server-sent-events.ts'

/** `x-accel-buffering` keeps nginx from collecting; each stream has its connection to itself, and ends it. */
export const streamHeaders = {
  'content-type': EVENT_STREAM_TYPE,
  'x-accel-buffering': 'no',
  connection: 'close',
} as const

/** A connection over which nothing moves for so long, though there is something to be taken, is cut. */
const STALLED_MS = 60_000
/** The same, when nothing more will be written. */
const LAST_WORDS_MS = 1_000

/** Sends the head of the answer, whose body does not go through Fastify any more. */
export function openEventStream(reply: FastifyReply): ServerResponse {
  const { raw } = reply
  reply.headers(streamHeaders).hijack()
  for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) raw.setHeader(name, value)
  raw.on('error', () => {}) // it is closed then, and `close` is what counts
  raw.socket?.setTimeout(STALLED_MS)
  raw.writeHead(200)
  return raw
}

export function sinkOf(raw: ServerResponse): StreamSink {
  return {
    write: (bytes) => raw.write(bytes),
    end: (lastWords) => {
      if (raw.writableNeedDrain) return void raw.destroy() // nobody takes what was written; a stop does not wait for it
      raw.socket?.setTimeout(LAST_WORDS_MS)
      raw.end(lastWords)
    },
  }
}

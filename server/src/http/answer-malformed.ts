import type { FastifyServerOptions } from 'fastify'

type AnswerMalformed = NonNullable<FastifyServerOptions['clientErrorHandler']>

const statuses: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
}

/**
 * What cannot be read as HTTP gets one plain answer, and the connection ends: where the next request begins is unknown.
 * No answer when one was sent before on the connection, since it might not have ended.
 */
export const answerMalformed: AnswerMalformed = (error, socket) => {
  if (error.code === 'ECONNRESET' || socket.destroyed) return
  if (socket.writable && socket.bytesWritten === 0) {
    const status = statuses[error.code] ?? '400 Bad Request'
    socket.write(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`)
  }
  socket.destroySoon()
}

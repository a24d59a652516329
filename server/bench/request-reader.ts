/** One POST as it came in. */
export interface ReceivedRequest {
  readonly path: string
  readonly webhookId: string
}

const headEnd = Buffer.from('\r\n\r\n')

/**
 * Cuts the bytes of one connection into requests: HTTP/1.1 with Content-Length, which is all that the measured senders
 * use. Bodies are skipped unread, and a request that lies in one chunk is not copied, so that the receiver
 * takes as little as possible of the processors it shares with the server.
 */
export class RequestReader {
  #rest: Buffer | undefined
  /** Bytes of a body that are still to come. */
  #skip = 0
  #open: ReceivedRequest | undefined

  /** Answers with the requests that this chunk completes. */
  read(chunk: Buffer): ReceivedRequest[] {
    const complete: ReceivedRequest[] = []
    const bytes = this.#rest ? Buffer.concat([this.#rest, chunk]) : chunk
    this.#rest = undefined
    let at = 0
    for (;;) {
      const skipped = Math.min(this.#skip, bytes.length - at)
      at += skipped
      this.#skip -= skipped
      if (this.#skip > 0) return complete
      if (this.#open) complete.push(this.#open)
      this.#open = undefined
      const end = bytes.indexOf(headEnd, at)
      if (end < 0) break
      const head = bytes.toString('latin1', at, end)
      at = end + headEnd.length
      this.#open = {
        path: head.slice(head.indexOf(' ') + 1, head.indexOf(' HTTP/')),
        webhookId: header(head, idHeader),
      }
      this.#skip = Number(header(head, lengthHeader))
    }
    if (at < bytes.length) this.#rest = bytes.subarray(at)
    return complete
  }
}

const idHeader = /\r\nwebhook-id: *([^\r]*)/i
const lengthHeader = /\r\ncontent-length: *(\d+)/i

function header(head: string, pattern: RegExp): string {
  return pattern.exec(head)?.[1] ?? ''
}

import { once } from 'node:events'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { Agent, request as httpRequest } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Responded } from '../api-document.ts'
import type { FuzzRequest } from './fuzz-request.ts'
import { written } from './fuzz-request.ts'

const TIMEOUT_MS = 20_000
/** Larger ones are refused while they are being sent, and their connection ends. */
const HEADERS_BYTES_MAX = 8_000
const BODY_BYTES_MAX = 60_000

/** Sends requests as they are: odd targets, wrong lengths, broken connections. Connections are kept and used again. */
export class RawSender {
  readonly #url: URL
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 16 })

  constructor(url: string) {
    this.#url = new URL(url)
  }

  /** Undefined when the server closed without an answer, which may happen to one that is cut short or too large. */
  async send(fuzz: FuzzRequest): Promise<Responded | undefined> {
    const { method, headers, cutAt } = fuzz
    const { target, bytes } = written(fuzz)
    const length = bytes && { 'content-length': String(bytes.length) }
    const { hostname, port } = this.#url
    const isCut = cutAt !== undefined
    const headersBytes = target.length + JSON.stringify(headers).length
    const isLast = isCut || headersBytes > HEADERS_BYTES_MAX || (bytes?.length ?? 0) > BODY_BYTES_MAX
    const request = httpRequest({
      hostname,
      port,
      method,
      path: target,
      headers: { ...headers, ...length },
      agent: isLast ? false : this.#agent,
      timeout: TIMEOUT_MS,
    })
    request.on('error', () => {}) // also after its answer came
    let isSlow = false
    request.on('timeout', () => {
      isSlow = true
      request.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`))
    })
    if (isCut) {
      request.write(bytes?.subarray(0, cutAt) ?? '')
      request.on('socket', (socket) => socket.on('connect', () => setImmediate(() => socket.end())))
    } else request.end(bytes)
    try {
      return await answerTo(request)
    } catch (error) {
      if (isLast && !isSlow) return undefined
      throw error
    } finally {
      if (isCut) request.destroy()
    }
  }

  close(): void {
    this.#agent.destroy()
  }
}

async function answerTo(request: ClientRequest): Promise<Responded> {
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  const headers = new Headers()
  for (const [name, value] of Object.entries(response.headers)) headers.set(name, [value].flat().join(', '))
  const status = response.statusCode ?? 0
  if (headers.get('content-type')?.startsWith('text/event-stream')) {
    response.destroy() // it has no end
    return { status, headers, text: '' }
  }
  return { status, headers, text: await text(response) }
}

import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'

/** A receiver that works on bare sockets, so that it can answer as no HTTP server would. */
export interface RawReceiver {
  readonly port: number
  /** All sockets that were ever accepted, TCP level. */
  readonly accepted: Socket[]
  /** All requests that came in completely, as `head` (request line and headers) and `body`. */
  readonly requests: RawRequest[]
}

export interface RawRequest {
  readonly head: string
  readonly body: string
}

interface RawReceiverOptions {
  readonly host?: string
  readonly port?: number
  /** Leaves the port free in IPv4. */
  readonly ipv6Only?: boolean
  readonly tls?: TlsOptions
  /** Called with every complete request. */
  readonly onRequest?: (socket: Socket, request: RawRequest) => void
  /** Called with every accepted socket (after the handshake, with TLS) before a request is read. */
  readonly onSocket?: (socket: Socket) => void
}

/** Listens until the test ends; its sockets are destroyed then. */
export async function listenRaw(t: TestContext, options: RawReceiverOptions): Promise<RawReceiver> {
  const accepted: Socket[] = []
  const requests: RawRequest[] = []
  const onSocket = (socket: Socket): void => {
    socket.on('error', () => {})
    options.onSocket?.(socket)
    if (!options.onRequest) return
    let received = ''
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1')
      for (let request = takeRequest(received); request; request = takeRequest(received)) {
        received = received.slice(request.head.length + request.body.length)
        requests.push(request)
        options.onRequest?.(socket, request)
      }
    })
  }
  const server: Server = options.tls ? createTlsServer(options.tls, onSocket) : createServer(onSocket)
  server.on('connection', (socket: Socket) => accepted.push(socket))
  server.on('tlsClientError', () => {})
  t.after(async () => {
    for (const socket of accepted) socket.destroy()
    server.close()
    await once(server, 'close')
  })
  const { host = '127.0.0.1', port = 0, ipv6Only = false } = options
  server.listen({ host, port, ipv6Only })
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('not listening on a port')
  return { port: address.port, accepted, requests }
}

function takeRequest(received: string): RawRequest | null {
  const headEnd = received.indexOf('\r\n\r\n')
  if (headEnd < 0) return null
  const head = received.slice(0, headEnd + 4)
  const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)
  const body = received.slice(head.length, head.length + length)
  return body.length === length ? { head, body } : null
}

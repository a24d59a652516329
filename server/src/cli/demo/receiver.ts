import { verifyWebhook } from '@daybook/sdk'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'

export interface Receiver {
  readonly url: string
  close(): Promise<void>
}

interface ReceiverOptions {
  readonly secret: string
  /** A call whose signature is right; `id` is its event's. */
  readonly onEvent: (id: string, atMs: number) => void
  /** A call that was refused. */
  readonly onForgery: (error: unknown) => void
}

/** A subscriber as its developers would write it: checks every signature, and answers 204. Times are `performance.now()`. */
export async function startReceiver(options: ReceiverOptions): Promise<Receiver> {
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    // A call that breaks off has no one to answer to.
    receive(request, response, options).catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The receiver has no port')
  return {
    url: `http://127.0.0.1:${address.port}/webhook`,
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

async function receive(request: IncomingMessage, response: ServerResponse, options: ReceiverOptions): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const atMs = performance.now()
  try {
    const { id } = await verifyWebhook({
      headers: request.headers,
      body: Buffer.concat(chunks),
      secrets: options.secret,
    })
    options.onEvent(id, atMs)
    response.writeHead(204).end()
  } catch (error) {
    options.onForgery(error)
    response.writeHead(401).end()
  }
}

/** Receivers for node:http, Express and Fastify. The types say only what is needed of each, so that none has to be installed. */
import type { Receiver, ReceiverAnswer } from './receiver/create-receiver.ts'
import { BodyConsumedError, bodyTooLarge, methodNotAllowed } from './receiver/create-receiver.ts'
import { readBody } from './receiver/read-body.ts'

/** `IncomingMessage`, and what Express and platforms of functions put on it. */
export interface NodeRequest extends AsyncIterable<Uint8Array> {
  readonly method?: string | undefined
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly readableDidRead?: boolean
  readonly body?: unknown
  readonly rawBody?: unknown
}

/** `ServerResponse`. */
export interface NodeResponse {
  writeHead(status: number, headers: Record<string, string>): unknown
  end(text: string): unknown
  destroy(): unknown
}

/**
 * For `http.createServer`, and for Express: `app.post('/webhook', nodeHandler(receiver))`, in front of body parsers. Whatever
 * happens, it throws nothing.
 */
export function nodeHandler(receiver: Receiver): (request: NodeRequest, response: NodeResponse) => void {
  return (request, response) => {
    // A call that broke off has nobody to answer to.
    answer(receiver, request, response).catch(() => void response.destroy())
  }
}

async function answer(receiver: Receiver, request: NodeRequest, response: NodeResponse): Promise<void> {
  const { status, headers, body } = await answerTo(receiver, request)
  response.writeHead(status, { ...headers })
  response.end(body)
}

async function answerTo(receiver: Receiver, request: NodeRequest): Promise<ReceiverAnswer> {
  const { method, headers, rawBody } = request
  if (method !== 'POST') return methodNotAllowed()
  const given = [rawBody, request.body].find((one) => one instanceof Uint8Array || typeof one === 'string')
  if (given !== undefined) return await receiver.receive({ headers, body: given })
  if (request.readableDidRead) return receiver.fail(new BodyConsumedError())
  // Seen in time, it can be answered; a body that is broken off takes the connection with it.
  if (Number(headers['content-length']) > receiver.bodyMaxBytes) return bodyTooLarge()
  const body = await readBody(request, receiver.bodyMaxBytes)
  return body ? await receiver.receive({ headers, body }) : bodyTooLarge()
}

/** What is needed of a Fastify instance. */
export interface FastifyScope {
  removeAllContentTypeParsers(): unknown
  addContentTypeParser(
    type: string,
    options: { parseAs: 'buffer' },
    parse: (request: unknown, body: Uint8Array, done: (error: null, body: Uint8Array) => void) => void,
  ): unknown
  post(path: string, handler: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>): unknown
}

interface FastifyRequest {
  readonly headers: NodeRequest['headers']
  readonly body: unknown
}

interface FastifyReply {
  code(status: number): { headers(headers: Record<string, string>): { send(body: string): unknown } }
}

/**
 * A Fastify plugin with the one route: `app.register(fastifyReceiver(receiver, '/webhook'))`. Bodies come to it as they are,
 * and to all other routes as before.
 */
export function fastifyReceiver(receiver: Receiver, path: string): (app: FastifyScope) => Promise<void> {
  return async (app) => {
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
    app.post(path, async (request, reply) => {
      const body = request.body instanceof Uint8Array ? request.body : new Uint8Array()
      const { status, headers, body: text } = await receiver.receive({ headers: request.headers, body })
      return reply
        .code(status)
        .headers({ ...headers })
        .send(text)
    })
  }
}

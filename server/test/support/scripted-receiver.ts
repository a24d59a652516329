import { once } from 'node:events'
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

/** One request as it arrived. */
export interface Call {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** The event's id. */
  readonly id: string
}

export interface Reply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

/** Says how a call is answered; never, with 'hang'. A promise keeps the call open until it resolves. */
export type Script = (call: Call) => Reply | 'hang' | Promise<Reply>

export interface ScriptedReceiver {
  readonly url: string
  readonly calls: readonly Call[]
  /** Calls without an answer at this moment, and the most there ever were, by path. */
  openAt(path: string): number
  openMaxAt(path: string): number
  /** From now on. */
  answer(script: Script): void
}

/** An HTTP receiver that keeps every request and answers by script; with 204 until it is given one. */
export async function scriptedReceiver(t: TestContext): Promise<ScriptedReceiver> {
  const calls: Call[] = []
  const open = new Map<string, number>()
  const openMax = new Map<string, number>()
  let script: Script = () => ({ status: 204 })
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('error', () => {})
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const path = request.url ?? ''
      const { headers } = request
      const call = { path, headers, body: Buffer.concat(chunks), id: String(headers['webhook-id']) }
      calls.push(call)
      const now = (open.get(path) ?? 0) + 1
      open.set(path, now)
      openMax.set(path, Math.max(openMax.get(path) ?? 0, now))
      response.on('close', () => open.set(path, (open.get(path) ?? 1) - 1))
      void reply(response, call)
    })
  })
  const reply = async (response: ServerResponse, call: Call): Promise<void> => {
    const answer = await script(call)
    if (answer !== 'hang') response.writeHead(answer.status, answer.headers).end(answer.body)
  }
  t.after(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    openAt: (path) => open.get(path) ?? 0,
    openMaxAt: (path) => openMax.get(path) ?? 0,
    answer: (next) => {
      script = next
    },
  }
}

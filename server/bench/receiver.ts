/**
 * Process: takes webhooks and answers each with 204 at once, but for paths that are told to hang. It does the least that a
 * receiver can, because what it uses is missing to the server on the same machine.
 */
import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import { answerCalls } from './calls.ts'
import type { Receipts } from './ledger.ts'
import { RequestReader } from './request-reader.ts'
import { sharedNowMs } from './shared-clock.ts'

/** A request is received when it has been answered; its time is that of its arrival. */
const calls = {
  /** Answers with the port on 127.0.0.1. */
  listen: async (): Promise<number> => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('not listening on a port')
    return address.port
  },
  now: (): number => sharedNowMs(),
  /** Requests to these paths are taken and never answered. */
  hang: (paths: readonly string[]): void => {
    for (const path of paths) hanging.add(path)
  },
  /** No path hangs any more; what hung is cut off, so that it is sent again. */
  release: (): void => {
    hanging.clear()
    for (const socket of held) socket.destroy()
  },
  /** Resolves when `count` requests were received since the last `take`, or when the time is up. */
  until: async (count: number, limitMs: number): Promise<void> => {
    const deadline = sharedNowMs() + limitMs
    while (ids.length < count && sharedNowMs() < deadline) await pause(5)
  },
  /** Answers with what was received since the last call. */
  take: (): Receipts => {
    const taken = { ids, atMs: Float64Array.from(times) }
    ids = []
    times = []
    return taken
  },
}

export type Receiver = typeof calls

const noContent = Buffer.from('HTTP/1.1 204 No Content\r\n\r\n')
const hanging = new Set<string>()
const held = new Set<Socket>()
let ids: string[] = []
let times: number[] = []

const server = createServer({ noDelay: true }, (socket) => {
  const reader = new RequestReader()
  socket.on('data', (chunk: Buffer) => {
    for (const { path, webhookId } of reader.read(chunk)) {
      if (hanging.has(path)) {
        held.add(socket)
        continue
      }
      ids.push(webhookId)
      times.push(sharedNowMs())
      socket.write(noContent)
    }
  })
  socket.on('error', () => {}) // it closes as well, and the sender knows
  socket.on('close', () => held.delete(socket))
})

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms))
}

answerCalls(calls)

import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Owner } from './cleanup.ts'

/** How the way to the database is. `silent`: nothing passes and nobody is told, as when packets are dropped. */
export type Line = 'open' | 'silent' | { readonly latencyMs: number; readonly bytesPerSecond: number }

export interface DatabaseProxy {
  /** The database's URL with the proxy's address in it. */
  readonly url: string
  /** What was under way arrives when the line is open again, as TCP would send it once more. */
  set(line: Line): void
  /** Breaks every connection at once. */
  reset(): void
}

/** Stands between one process and the database, which may move. Bytes, ends of connections and errors wait while silent. */
export async function startDatabaseProxy(owner: Owner, databaseUrl: () => string): Promise<DatabaseProxy> {
  const sockets = new Set<Socket>()
  let line: Line = 'open'
  let opened = Promise.withResolvers<void>()
  opened.resolve()

  const pass = async (bytes: number): Promise<void> => {
    await opened.promise
    if (typeof line === 'object') await delay(line.latencyMs + (bytes / line.bytesPerSecond) * 1_000)
  }
  const pump = async (from: Socket, to: Socket): Promise<void> => {
    try {
      for await (const chunk of from as AsyncIterable<Buffer>) {
        await pass(chunk.length)
        if (to.destroyed) return
        if (!to.write(chunk)) await Promise.race([once(to, 'drain'), once(to, 'close')])
      }
      await pass(0)
      to.end()
    } catch {
      await pass(0)
      to.destroy()
    }
  }
  const server = createServer((near) => {
    const target = new URL(databaseUrl())
    const far = connect(Number(target.port), target.hostname)
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.on('close', () => sockets.delete(socket))
    }
    void pump(near, far)
    void pump(far, near)
  })
  const reset = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  owner.after(async () => {
    opened.resolve()
    server.close()
    reset()
    await once(server, 'close')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(databaseUrl())
  url.hostname = '127.0.0.1'
  url.port = String((server.address() as AddressInfo).port)
  return {
    url: url.href,
    set: (next) => {
      if (next === 'silent' && line !== 'silent') opened = Promise.withResolvers<void>()
      line = next
      if (next !== 'silent') opened.resolve()
    },
    reset,
  }
}

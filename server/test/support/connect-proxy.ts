import { connect, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { listenRaw, type RawReceiver } from './raw-receiver.ts'

interface ConnectProxy extends RawReceiver {
  /** What tunnels were asked for, as `host:port`. */
  readonly destinations: readonly string[]
}

/** A forward proxy that knows CONNECT. Every tunnel ends at `port` of this machine, wherever it was to go. */
export async function connectProxy(t: TestContext, port: number): Promise<ConnectProxy> {
  const destinations: string[] = []
  const proxy = await listenRaw(t, {
    onRequest: (socket, { head }) => {
      destinations.push(/^CONNECT (\S+) HTTP\/1\.1\r\n/.exec(head)?.[1] ?? head)
      socket.removeAllListeners('data')
      join(socket, connect(port, '127.0.0.1'))
    },
  })
  return { ...proxy, destinations }
}

function join(from: Socket, to: Socket): void {
  to.on('error', () => from.destroy())
  to.once('connect', () => {
    from.write('HTTP/1.1 200 Connection established\r\n\r\n')
    from.pipe(to)
    to.pipe(from)
  })
  from.once('close', () => to.destroy())
  to.once('close', () => from.destroy())
}

import { Socket } from 'node:net'
import type { TestContext } from 'node:test'

/** Counts the sockets that are told to connect anywhere in this process while the test runs; none of them does. */
export function countConnects(t: TestContext): () => number {
  const spy = t.mock.method(Socket.prototype, 'connect', function connect(this: Socket) {
    process.nextTick(() => this.destroy())
    return this
  })
  return () => spy.mock.callCount()
}

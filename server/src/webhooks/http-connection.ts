import type { Socket } from 'node:net'
import { Client } from 'undici'
import { connectGuarded, type Connecting, type ConnectPolicy } from './guarded-connect.ts'
import type { HttpAttempt } from './http-attempt.ts'

/**
 * The attempt bounds its answer far below this. undici's own bound is out of reach on purpose: from the header that
 * crosses it on, undici makes an error for each that follows in the same read, and thousands fit in one.
 */
const maxHeaderSize = 524_288

/** Who decides what a connection does next. */
interface ConnectionOwner {
  /** Its attempt is settled. `reusable` when the response was read to the end; otherwise it is to be discarded. */
  onFree(connection: HttpConnection, reusable: boolean): void
  /** It broke before it began to write the attempt, which has to be carried by another. It is to be discarded. */
  onUncarried(connection: HttpConnection, attempt: HttpAttempt): void
  /** It was discarded, or its idle socket closed. Called once. */
  onGone(connection: HttpConnection): void
}

/**
 * One socket to one origin with at most one request on it: an undici `Client` that connects through the guard. A client
 * per socket, because then a deadline can end its own connection without touching others, and connect
 * times belong to the attempt that caused them.
 *
 * Whether a reused socket was closed meanwhile is looked at before a request is written: on a plain close undici connects
 * anew for the same request, on a reset the attempt moves on to another connection. No byte was sent then. Once
 * a request is being written, it is never written again.
 */
export class HttpConnection {
  readonly #client: Client
  readonly #owner: ConnectionOwner
  readonly #bornAt = performance.now()
  #attempt: HttpAttempt | null = null
  #connecting: Connecting | null = null
  #socket: Socket | null = null
  /** The socket's count when the attempt began. */
  #bytesBefore = 0
  #isGone = false
  #destroyed: Promise<void> = Promise.resolve()

  constructor(url: URL, policy: ConnectPolicy, maxIdleMs: number, owner: ConnectionOwner) {
    const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80)
    const target = { protocol: url.protocol, hostname: url.hostname, port }
    this.#owner = owner
    this.#client = new Client(url.origin, {
      connect: (_options, done) => {
        this.#connecting = connectGuarded(target, policy, this.#attempt?.companyId, (...outcome) => {
          this.#socket = outcome[1]
          // A proxy's answer and the handshake have come already.
          this.#bytesBefore = this.#socket?.bytesRead ?? 0
          // Before undici listens, so that it is told of every read first.
          this.#socket?.on('readable', this.#onReadable)
          done(...outcome)
        })
        if (this.#attempt) this.#attempt.connecting = this.#connecting
      },
      allowH2: false,
      useMilo: false,
      pipelining: 1,
      maxHeaderSize,
      keepAliveTimeout: maxIdleMs,
      keepAliveMaxTimeout: maxIdleMs,
      // The attempt's own deadline rules; these would be timers per phase.
      headersTimeout: 0,
      bodyTimeout: 0,
    })
    this.#client.on('disconnect', () => {
      if (!this.#attempt) void this.discard()
    })
  }

  get isGone(): boolean {
    return this.#isGone
  }

  get ageMs(): number {
    return performance.now() - this.#bornAt
  }

  /** Only while nothing is on it. undici reports to the attempt, and the attempt to its caller. */
  carry(attempt: HttpAttempt): void {
    this.#attempt = attempt
    this.#bytesBefore = this.#socket?.bytesRead ?? 0
    attempt.leave = (reusable) => {
      this.#attempt = null
      this.#owner.onFree(this, reusable)
    }
    attempt.moveOn = () => {
      this.#attempt = null
      this.#owner.onUncarried(this, attempt)
    }
    this.#client.dispatch(attempt.options, attempt)
  }

  readonly #onReadable = (): void => {
    if (this.#attempt && this.#socket)
      this.#attempt.onReadable(this.#socket, this.#socket.bytesRead - this.#bytesBefore)
  }

  /** Closes the socket at once, whatever is on it. Resolves when it is closed; safe to call again. */
  discard(): Promise<void> {
    if (!this.#isGone) {
      this.#isGone = true
      this.#connecting?.cancel()
      this.#destroyed = this.#client.destroy()
      this.#owner.onGone(this)
    }
    return this.#destroyed
  }
}

import type { Socket } from 'node:net'
import { type Dispatcher, errors } from 'undici'
import type { Connecting } from './guarded-connect.ts'
import { PostFailure, type PostErrorClass, type PostResult, type PostTimings } from './post-result.ts'
import { judgeHead, maxHeadBytes, maxHeaderLines } from './response-head.ts'
import { tlsFailure } from './webhook-tls.ts'

/** Kept of a response, for people to look at. */
const maxBodyBytes = 16_384
const maxHeaders = 64
/** A read of this size is left to the parser as it is. */
const unjudgedBytes = 4_096
/**
 * On the wire, in all, once there is a status. What is not kept of an answer is not bounded otherwise: zeros and extensions of
 * chunk sizes, trailers.
 */
const maxAnswerBytes = 65_536
/** 1xx responses that are skipped before the receiver counts as broken. */
const maxInterimResponses = 16

const noBytes: Buffer = Buffer.alloc(0)

/**
 * One call from its start to its only result. It is the handler that the HTTP client reports to, and it holds the
 * deadline. Whatever comes first settles it: the end of the response, its 16,385th byte, an error, the deadline or
 * a cancellation. All that comes later is ignored.
 */
export class HttpAttempt implements Dispatcher.DispatchHandler {
  readonly options: Dispatcher.DispatchOptions
  /** Who waits for a look-up that it causes. */
  readonly companyId: string | undefined
  /** True as soon as the request is being written. Until then no byte of it has left. */
  sent = false
  settled = false
  /** How a socket is or was made for it. Null while it waits for its turn, and when it found a socket open. */
  connecting: Connecting | null = null
  /**
   * Set by the connection that carries it, to be told the end. `reusable` when the response was read to its end, so that
   * the socket is in a known state and may carry another request.
   */
  leave: ((reusable: boolean) => void) | null = null
  /** Set by the connection that carries it: takes it to another one, this one being broken. */
  moveOn: (() => void) | null = null

  readonly #done: (result: PostResult) => void
  readonly #startedAt = performance.now()
  readonly #timer: NodeJS.Timeout
  readonly #signal: AbortSignal | undefined
  readonly #onSent: (() => void) | undefined
  #firstByteMs: number | undefined
  #interimResponses = 0
  #status = 0
  #headers: (readonly [string, string])[] = []
  /** Has room beyond `#bodyLength` once a second piece came. */
  #body = noBytes
  #bodyLength = 0

  /** `done` is called once. */
  constructor(
    options: Dispatcher.DispatchOptions,
    timeoutMs: number,
    signal: AbortSignal | undefined,
    done: (result: PostResult) => void,
    onSent?: () => void,
    companyId?: string,
  ) {
    this.options = options
    this.companyId = companyId
    this.#done = done
    this.#signal = signal
    this.#onSent = onSent
    this.#timer = setTimeout(() => this.#expire(), timeoutMs)
    signal?.addEventListener('abort', this.cancel)
  }

  /** Settles it as cancelled, unless the receiver has answered already. */
  readonly cancel = (): void => this.#fail('cancelled', 'The call was given up by the sender')

  /**
   * Told of each read before it is parsed, and how much of the answer has come in all. Bytes are looked at only if there are
   * many before the status is known.
   */
  onReadable(socket: Socket, bytes: number): void {
    if (this.#status > 0) {
      if (bytes > maxAnswerBytes) this.#respond(true, false)
      return
    }
    const isFull = bytes > maxHeadBytes * (this.#interimResponses + 1)
    if (!isFull && socket.readableLength <= unjudgedBytes) return
    const read: unknown = socket.read()
    if (!Buffer.isBuffer(read)) return
    const head = judgeHead(read)
    if (head === 'too_large' || (isFull && head === 'open')) this.#failTooLarge()
    else socket.unshift(read)
  }

  onRequestStart(): void {
    // Thrown here, an error keeps the request off the wire and the socket in use.
    if (this.settled) throw new PostFailure('cancelled', 'The call is over')
    this.sent = true
  }

  onRequestSent(): void {
    this.#onSent?.()
  }

  onResponseStarted(): void {
    this.#firstByteMs ??= performance.now() - this.#startedAt
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    const { rawHeaders } = controller
    // Whatever came in small reads was not judged before.
    if (isTooLarge(rawHeaders)) return this.#failTooLarge()
    if (status >= 200) {
      this.#status = status
      this.#headers = keptHeaders(rawHeaders)
    } else if (++this.#interimResponses > maxInterimResponses) {
      this.#fail('invalid_response', 'The receiver sent interim responses only')
    }
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.settled) return
    const room = maxBodyBytes - this.#bodyLength
    if (room > 0) this.#keep(chunk, Math.min(chunk.length, room))
    if (chunk.length > room) this.#respond(true, false)
  }

  /**
   * Copied, because a chunk of one byte may hold on to the 64 KiB it was read into. Room grows by doubling: a body in
   * pieces of one byte would otherwise be copied once for each.
   */
  #keep(chunk: Buffer, length: number): void {
    const needed = this.#bodyLength + length
    if (needed > this.#body.length) {
      const capacity = this.#bodyLength === 0 ? needed : Math.min(maxBodyBytes, Math.max(needed, 2 * this.#body.length))
      const roomier = Buffer.allocUnsafe(capacity)
      this.#body.copy(roomier, 0, 0, this.#bodyLength)
      this.#body = roomier
    }
    chunk.copy(this.#body, this.#bodyLength, 0, length)
    this.#bodyLength = needed
  }

  onResponseEnd(): void {
    this.#respond(false, true)
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    const [errorClass, message] = classify(error)
    // The socket was open from an earlier request and broke before this one was written: nothing of it has left.
    const isUntouched = errorClass === 'reset' && !this.sent && !this.connecting && !this.settled
    if (isUntouched && this.moveOn) this.moveOn()
    else this.#fail(errorClass, message)
  }

  #expire(): void {
    if (this.sent) return this.#fail('timeout', 'No complete answer before the deadline')
    const phase = this.connecting?.phase
    if (phase === 'resolving') this.#fail('dns_error', 'The host name was not resolved before the deadline')
    else if (phase === 'proxying')
      this.#fail('proxy_error', 'The egress proxy opened no connection before the deadline')
    else if (phase === 'connecting') this.#fail('connect_timeout', 'No connection before the deadline')
    else this.#fail('timeout', 'No free connection to the receiver before the deadline')
  }

  #fail(errorClass: PostErrorClass, message: string): void {
    if (this.#status > 0) return this.#respond(true, false)
    this.#settle({ kind: 'error', errorClass, message, sent: this.sent, timings: this.#timings() }, false)
  }

  #failTooLarge(): void {
    this.#fail('response_headers_too_large', 'The answer has more than 16 KiB, or 256 lines, of headers')
  }

  #respond(bodyTruncated: boolean, reusable: boolean): void {
    const headers = this.#headers
    const body = this.#bodyLength < this.#body.length ? this.#body.subarray(0, this.#bodyLength) : this.#body
    const timings = this.#timings()
    this.#settle({ kind: 'response', status: this.#status, headers, body, bodyTruncated, timings }, reusable)
  }

  #settle(result: PostResult, reusable: boolean): void {
    if (this.settled) return
    this.settled = true
    clearTimeout(this.#timer)
    this.#signal?.removeEventListener('abort', this.cancel)
    this.#done(result)
    this.leave?.(reusable)
  }

  #timings(): PostTimings {
    const timings: PostTimings = { totalMs: performance.now() - this.#startedAt }
    if (this.connecting?.dnsMs !== undefined) timings.dnsMs = this.connecting.dnsMs
    if (this.connecting?.connectMs !== undefined) timings.connectMs = this.connecting.connectMs
    if (this.#firstByteMs !== undefined) timings.firstByteMs = this.#firstByteMs
    return timings
  }
}

/** Names and values alternate. */
function isTooLarge(raw: Dispatcher.DispatchController['rawHeaders']): boolean {
  if (!Array.isArray(raw)) return false
  let bytes = 0
  for (const part of raw) bytes += part.length
  return bytes > maxHeadBytes || raw.length > 2 * maxHeaderLines
}

/** Header bytes are Latin-1 by the standard. */
function keptHeaders(raw: Dispatcher.DispatchController['rawHeaders']): (readonly [string, string])[] {
  const headers: (readonly [string, string])[] = []
  if (!Array.isArray(raw)) return headers
  for (let at = 0; at + 1 < raw.length && headers.length < maxHeaders; at += 2) {
    headers.push([latin1(raw[at]).toLowerCase(), latin1(raw[at + 1])])
  }
  return headers
}

function latin1(bytes: Buffer | string | undefined): string {
  return typeof bytes === 'string' ? bytes : (bytes?.toString('latin1') ?? '')
}

/** Messages are our own: those of the library and of Node name addresses and ports. */
function classify(error: Error): readonly [PostErrorClass, string] {
  if (error instanceof PostFailure) return [error.errorClass, error.message]
  if (isInvalidAnswer(error)) return ['invalid_response', 'The answer is not valid HTTP/1.1']
  if (error instanceof errors.InvalidArgumentError || error instanceof errors.NotSupportedError) {
    return ['invalid_request', 'A header of the request cannot be sent']
  }
  if (error instanceof errors.ClientDestroyedError) return ['cancelled', 'The call was given up by the sender']
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  // In TLS 1.3 a client certificate is refused after the handshake, when the request may be on its way already.
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_')) return ['tls_error', tlsFailure(error).message]
  return ['reset', 'The receiver closed the connection without a complete answer']
}

function isInvalidAnswer(error: Error): boolean {
  if (error instanceof errors.HTTPParserError || error instanceof errors.ResponseContentLengthMismatchError) return true
  // An unasked 100 or 101 is a socket error to undici, and only its text tells it from a reset.
  return error instanceof errors.SocketError && (error.message === 'bad response' || error.message === 'bad upgrade')
}

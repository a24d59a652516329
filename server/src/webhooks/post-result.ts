/** What became of one HTTP call. Stable words: they are stored, counted and shown as the reason of an attempt. */
export type PostErrorClass =
  /** The URL itself is refused (`checkWebhookUrl`). */
  | 'invalid_url'
  /** A header or the body cannot be sent as HTTP. */
  | 'invalid_request'
  /** The host is, or resolved to, an address that may not be called. */
  | 'blocked_address'
  | 'dns_error'
  | 'connect_timeout'
  | 'connect_refused'
  /** No connection for any other reason, such as an unreachable network. */
  | 'connect_failed'
  | 'tls_error'
  /** This machine has no descriptor, port or memory left for a socket. Tells nothing of the receiver. */
  | 'local_shortage'
  /** The operator's egress proxy cannot be reached, or opened no tunnel. */
  | 'proxy_error'
  /** The deadline passed before the answer's status and headers were there. */
  | 'timeout'
  /** The connection ended before the answer's status and headers were there. */
  | 'reset'
  | 'invalid_response'
  | 'response_headers_too_large'
  /** No call was made: the secret that should sign it, or its credentials, cannot be opened. Nothing is ever sent without them. */
  | 'secret_unreadable'
  /** No call was made: the token endpoint refused the client, or what it asked for. */
  | 'oauth_refused'
  /** No call was made: the token endpoint may not be called, did not answer, or answered that it cannot now. */
  | 'oauth_unreachable'
  /** No call was made: what the token endpoint answered holds no bearer token. */
  | 'oauth_invalid_answer'
  /** Given up by us: the caller's signal, or the poster was closed. */
  | 'cancelled'

/** Milliseconds. A part that did not happen is absent: no `dnsMs` for an address, no `connectMs` on a reused socket. */
export interface PostTimings {
  dnsMs?: number
  /** TCP and TLS together. */
  connectMs?: number
  /** From the call to the first byte of the answer. */
  firstByteMs?: number
  totalMs: number
}

/**
 * A response counts from the moment its status and headers are there: however its body then ends (too long, past the
 * deadline, cut off), the receiver has answered, and calling it again would be a copy.
 */
export interface PostResponse {
  readonly kind: 'response'
  readonly status: number
  /** As received, names in lower case, in order; at most 64, and 16 KiB together. */
  readonly headers: readonly (readonly [string, string])[]
  /** Raw bytes of the body, never decompressed: the first 16 KiB. */
  readonly body: Buffer
  /** The body went on, or its end never came. */
  readonly bodyTruncated: boolean
  readonly timings: PostTimings
}

export interface PostError {
  readonly kind: 'error'
  readonly errorClass: PostErrorClass
  /** For people; names no address and no byte of the request. */
  readonly message: string
  /** True when bytes of the request may have reached the receiver, so that the outcome there is unknown. */
  readonly sent: boolean
  readonly timings: PostTimings
}

export type PostResult = PostResponse | PostError

/** An error whose class is known where it arises, on its way through a library's callbacks. */
export class PostFailure extends Error {
  readonly errorClass: PostErrorClass

  constructor(errorClass: PostErrorClass, message: string) {
    super(message)
    this.name = 'PostFailure'
    this.errorClass = errorClass
  }
}

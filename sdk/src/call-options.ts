import { tagOf } from './entity-tags.ts'

/** What may be said of one call, beside what it is about. */
export interface CallOptions {
  /** Ends the call, its pauses and its retries; it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
  /** Instead of the client's. */
  readonly timeoutMs?: number | undefined
  readonly deadlineMs?: number | undefined
  readonly maxRetries?: number | undefined
  /** Further headers. That of the key cannot be changed. */
  readonly headers?: Readonly<Record<string, string>> | undefined
}

export interface ConditionalCallOptions extends CallOptions {
  /**
   * Changes only what is still as it was read: the object that `get` or a change answered, or the text of an `etag` header.
   * Anything newer is refused with `precondition_failed`, so that no change of somebody else is lost.
   */
  readonly ifMatch?: object | string | undefined
}

/** The headers that the options mean. */
export function headersOf({ headers = {}, ifMatch }: ConditionalCallOptions): Readonly<Record<string, string>> {
  if (ifMatch === undefined) return headers
  return { ...headers, 'if-match': tagOf(ifMatch) }
}

import { oneLineJson } from './one-line-json.ts'

/**
 * The text of server-sent events, as the HTML standard has them (section 9.2). A message ends with an empty line. One
 * without data is not given to anybody, but its id is the one that the client names when it comes back.
 */
export const EVENT_STREAM_TYPE = 'text/event-stream'

export interface ServerSentEvent {
  /** Without it the client goes on behind the id before. */
  readonly id?: number
  /** One line. */
  readonly name: string
  /** JSON, in as many lines as it has; it is sent in one. */
  readonly json: string
}

export function eventMessage({ id, name, json }: ServerSentEvent): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: ${oneLineJson(json)}\n\n`
}

/** Tells how far the stream has come, and that it lives; begins with a comment for whoever looks at the bytes. */
export function idMessage(id: number, comment = ''): string {
  return `:${comment}\nid: ${id}\n\n`
}

/** When the client shall come back after the connection has broken. */
export function retryMessage(ms: number): string {
  return `retry: ${ms}\n\n`
}

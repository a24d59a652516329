/** One message of a stream of server-sent events (WHATWG HTML, section 9.2). */
export interface ServerMessage {
  /** `message` when the server gave none. */
  readonly event: string
  /** Undefined when it has none; then it only moves the last event id. */
  readonly data: string | undefined
  /** The id of this very message. */
  readonly id: string | undefined
  /** The id that a reconnect names: of this message, or of the last one before it that had one. */
  readonly lastEventId: string | undefined
  /** How long the server wants a reconnect to wait. */
  readonly retryMs: number | undefined
}

interface Fields {
  event: string
  data: string[]
  id?: string
  retryMs?: number
}

const none = (): Fields => ({ event: '', data: [] })

/**
 * Reads a body as server-sent events. What an incomplete body leaves unfinished is dropped, as the standard has it: it comes
 * again after a reconnect. `onBytes` is called for whatever arrives, comments as well.
 */
export async function* readServerMessages(
  body: ReadableStream<Uint8Array> | null,
  onBytes: () => void = () => {},
): AsyncGenerator<ServerMessage, void> {
  let lastEventId: string | undefined
  let fields = none()
  for await (const line of readLines(body, onBytes)) {
    if (line !== '') {
      takeLine(fields, line)
      continue
    }
    const { event, data, id, retryMs } = fields
    lastEventId = id ?? lastEventId
    if (data.length > 0 || id !== undefined || retryMs !== undefined) {
      yield { event: event || 'message', data: data.length > 0 ? data.join('\n') : undefined, id, lastEventId, retryMs }
    }
    fields = none()
  }
}

function takeLine(fields: Fields, line: string): void {
  const colon = line.indexOf(':')
  // A comment.
  if (colon === 0) return
  const name = colon === -1 ? line : line.slice(0, colon)
  const value = colon === -1 ? '' : line.slice(colon + (line[colon + 1] === ' ' ? 2 : 1))
  if (name === 'event') fields.event = value
  if (name === 'data') fields.data.push(value)
  if (name === 'id' && !value.includes('\0')) fields.id = value
  if (name === 'retry' && /^\d+$/.test(value)) fields.retryMs = Number(value)
}

/** Lines end in CR LF, LF or CR, also where a pair is split over two chunks. The last one counts only if it ends. */
async function* readLines(body: ReadableStream<Uint8Array> | null, onBytes: () => void): AsyncGenerator<string, void> {
  if (!body) return
  const decoder = new TextDecoder()
  const reader = body.getReader()
  let rest: string[] = []
  let endedInCr = false
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      onBytes()
      let text = decoder.decode(value, { stream: true })
      if (text === '') continue
      if (endedInCr && text.startsWith('\n')) text = text.slice(1)
      endedInCr = text === '' ? false : text.endsWith('\r')
      const [first = '', ...more] = text.split(/\r\n|\n|\r/)
      if (more.length === 0) {
        rest.push(first)
        continue
      }
      yield rest.join('') + first
      rest = [more.pop() ?? '']
      yield* more
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}

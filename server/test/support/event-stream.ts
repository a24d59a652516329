import { once } from 'node:events'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { request as httpRequest } from 'node:http'
import type { Owner } from '../torture/cleanup.ts'
import { until } from './until.ts'

/** A message of a stream, as an EventSource would give it. */
export interface StreamedEvent {
  readonly id: string
  readonly name: string
  readonly data: string
}

/** One connection to `GET /events/stream`. */
export interface EventStream {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  /** All events so far, but for the last message of a stream that ends. */
  readonly events: readonly StreamedEvent[]
  /** The last id that was told, with an event or without; undefined before the first. */
  readonly lastId: string | undefined
  /** Why the server ended it, once it has said so. */
  readonly closedFor: string | undefined
  /** Every byte, as text. */
  readonly text: string
  /** Whether it has ended, and if so whether by the end that chunked encoding has. */
  readonly ended: 'cleanly' | 'cut' | undefined
  positions(): readonly number[]
  until(what: string, check: (stream: EventStream) => boolean, limitMs?: number): Promise<void>
  /** Takes nothing from the socket from now on. */
  pause(): void
  resume(): void
  close(): void
}

export interface StreamRequest {
  readonly key: string
  readonly query?: Readonly<Record<string, string | number | boolean>>
  readonly headers?: Readonly<Record<string, string>>
  /** Called with each event; nothing is kept then. */
  readonly onEvent?: (event: StreamedEvent) => void
}

/** Opens a stream. It is closed after the test. Resolves with the head of the answer. */
export async function openStream(t: Owner, url: string, options: StreamRequest): Promise<EventStream> {
  const { key, query = {}, headers, onEvent } = options
  const target = new URL(`${url}/api/v1/events/stream`)
  for (const [name, value] of Object.entries(query)) target.searchParams.set(name, String(value))
  const sent = httpRequest(target, {
    headers: { authorization: `Bearer ${key}`, accept: 'text/event-stream', ...headers },
    agent: false,
  })
  t.after(() => void sent.destroy())
  sent.on('error', () => {})
  sent.end()
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  return readStream(sent, response, onEvent)
}

function readStream(sent: ClientRequest, response: IncomingMessage, onEvent: StreamRequest['onEvent']): EventStream {
  const events: StreamedEvent[] = []
  let [text, rest] = ['', '']
  let lastId: string | undefined
  let closedFor: string | undefined
  let ended: EventStream['ended']
  const take = (message: string): void => {
    const fields = new Map(
      message.split('\n').map((line): [string, string] => {
        const [name = '', ...value] = line.split(': ')
        return [name, value.join(': ')]
      }),
    )
    const [id, name, data] = [fields.get('id'), fields.get('event'), fields.get('data')]
    if (id !== undefined) lastId = id
    if (data === undefined) return
    if (name === 'daybook.stream.closed') closedFor = String(Reflect.get(Object(JSON.parse(data)), 'reason'))
    else if (onEvent) onEvent({ id: id ?? '', name: name ?? 'message', data })
    else events.push({ id: id ?? '', name: name ?? 'message', data })
  }
  response.setEncoding('utf8')
  response.on('data', (chunk: string) => {
    if (!onEvent) text += chunk
    rest += chunk
    const messages = rest.split('\n\n')
    rest = messages.pop() ?? ''
    for (const message of messages) take(message)
  })
  response.on('error', () => {})
  response.on('close', () => (ended = response.complete ? 'cleanly' : 'cut'))
  const stream: EventStream = {
    status: response.statusCode ?? 0,
    headers: response.headers,
    events,
    get lastId() {
      return lastId
    },
    get closedFor() {
      return closedFor
    },
    get text() {
      return text
    },
    get ended() {
      return ended
    },
    positions: () => events.map(({ id }) => Number(id)),
    until: async (what, check, limitMs) => {
      await until(what, () => check(stream), limitMs)
    },
    pause: () => void response.pause(),
    resume: () => void response.resume(),
    close: () => void sent.destroy(),
  }
  return stream
}

import type { Event, StreamEventsQuery } from './api/types.ts'
import { DaybookConnectionError, DaybookError } from './daybook-error.ts'
import { parseJson } from './parse-json.ts'
import { retryDelayMs } from './retry.ts'
import type { ServerMessage } from './server-messages.ts'
import { readServerMessages } from './server-messages.ts'
import type { Sleep } from './sleep.ts'
import type { Transport } from './transport.ts'

/** Ends when the loop that reads it is left, with the signal's reason, or, with `follow: false`, behind the last event. */
export type EventStream<Item = Event> = AsyncIterable<Item>

interface StreamOptions {
  readonly signal?: AbortSignal | undefined
  readonly sleep: Sleep
  /** The server says something every 15 s; a connection on which nothing came for this long is dead. */
  readonly silenceMaxMs?: number
}

/**
 * Reads `GET /events/stream` for ever. Whatever is not a refusal of the request itself is met by connecting again, from the
 * position that was reached, after pauses that grow to 10 s.
 */
export async function* readEventStream(
  transport: Transport,
  { after, ...query }: StreamEventsQuery,
  { signal, sleep, silenceMaxMs = 45_000 }: StreamOptions,
): AsyncGenerator<Event, void> {
  let lastId = after === undefined ? undefined : String(after)
  let failures = 0
  let pauseMs: number | undefined
  for (;;) {
    const connection = new AbortController()
    const silence = new AbortController()
    const watch = watchSilence(silence, silenceMaxMs)
    try {
      const response = await transport.open({
        verb: 'GET',
        path: '/api/v1/events/stream',
        query,
        headers: { accept: 'text/event-stream', ...(lastId !== undefined && { 'last-event-id': lastId }) },
        signal: AbortSignal.any([connection.signal, silence.signal, ...(signal ? [signal] : [])]),
        maxRetries: 0,
        isRepeatable: true,
      })
      for await (const message of readServerMessages(response.body, watch.heard)) {
        failures = 0
        pauseMs = message.retryMs ?? pauseMs
        lastId = message.lastEventId ?? lastId
        if (message.id === undefined && isEndOfLog(message)) return
        if (message.id !== undefined && message.data !== undefined) yield parseJson(message.data) as Event
      }
    } catch (error) {
      signal?.throwIfAborted()
      if (!isPassing(error)) throw error
    } finally {
      watch.stop()
      // Leaving the loop in the middle of an answer must not leave it open.
      connection.abort()
    }
    signal?.throwIfAborted()
    failures++
    await sleep(Math.max(failures === 1 ? (pauseMs ?? 0) : 0, retryDelayMs(failures, Math.random())), signal)
  }
}

/** A refusal stays one, whoever asks again; everything else may be better soon. */
function isPassing(error: unknown): boolean {
  if (error instanceof DaybookConnectionError) return true
  if (error instanceof DaybookError) return error.status === 429 || error.status >= 500
  // What reading a body that breaks off throws is not the same everywhere: a TypeError, or a DOMException for our own silence.
  return error instanceof TypeError || error instanceof DOMException
}

/**
 * A message without an id is the server's word that it ends the stream. Only when everything that was asked for has been sent
 * is that the end; whatever else was the reason shows when the stream is asked for again.
 */
function isEndOfLog({ event, data = '{}' }: ServerMessage): boolean {
  return event === 'daybook.stream.closed' && Object(parseJson(data)).reason === 'caught_up'
}

function watchSilence(silence: AbortController, silenceMaxMs: number): { heard: () => void; stop: () => void } {
  const begin = () => setTimeout(() => silence.abort(), silenceMaxMs)
  let timer = begin()
  return {
    heard: () => {
      clearTimeout(timer)
      timer = begin()
    },
    stop: () => clearTimeout(timer),
  }
}

import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Random } from '../../src/cli/demo/random.ts'
import { chance } from '../../src/cli/demo/random.ts'
import type { Owner } from './cleanup.ts'

/**
 * How an endpoint behaves. `recovers` is slow for its first calls and well afterwards, `flaps` is well and broken in
 * turns of some seconds, `garbage` answers 200 with bytes that are no text.
 */
export const behaviours = [
  'ok',
  'fails',
  'gone',
  'busy',
  'hangs',
  'drips',
  'resets',
  'recovers',
  'flaps',
  'garbage',
] as const
export type Behaviour = (typeof behaviours)[number]

/** One call that arrived completely. */
export interface Arrival {
  readonly path: string
  readonly id: string
  readonly body: Buffer
  readonly timestamp: string
  readonly signature: string
  readonly atMs: number
  /** What it was answered with; undefined when no complete answer was even begun. */
  status: number | undefined
  /** The whole answer was handed to the system before the connection ended. */
  answered: boolean
}

export interface Receivers {
  readonly url: string
  readonly arrivals: readonly Arrival[]
  /** Calls without an answer at this moment. */
  readonly open: number
  openAt(path: string): number
  /** From now on; `ok` for paths that were never named. */
  behave(path: string, behaviour: Behaviour): void
  /** All paths, from now on and for good. */
  behaveWell(): void
}

const FLAP_MS = 4_000
const SLOW_MS = 600
const SLOW_CALLS = 5
const DRIP_EVERY_MS = 100

/** Many endpoints in one listener, told apart by path. Every call is kept with how it was answered. */
export async function startReceivers(owner: Owner, random: Random): Promise<Receivers> {
  const arrivals: Arrival[] = []
  const byPath = new Map<string, { behaviour: Behaviour; calls: number }>()
  let areAllWell = false
  const openByPath = new Map<string, number>()
  const countOpen = (path: string, change: number): void => {
    openByPath.set(path, (openByPath.get(path) ?? 0) + change)
    open += change
  }
  let open = 0

  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    const { url = '' } = request
    countOpen(url, 1)
    response.on('close', () => countOpen(url, -1))
    request.on('error', () => {})
    response.on('error', () => {})
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const arrival = toArrival(request, Buffer.concat(chunks))
      arrivals.push(arrival)
      response.on('finish', () => (arrival.answered = true))
      const endpoint = byPath.get(arrival.path) ?? { behaviour: 'ok', calls: 0 }
      endpoint.calls++
      void answer(areAllWell ? 'ok' : endpoint.behaviour, endpoint.calls, response, arrival)
    })
  })
  const answer = async (
    behaviour: Behaviour,
    calls: number,
    response: ServerResponse,
    arrival: Arrival,
  ): Promise<void> => {
    const end = (status: number, headers: Record<string, string> = {}, body?: Buffer): void => {
      arrival.status = status
      response.writeHead(status, headers).end(body)
    }
    const isHit = chance(random, 0.5)
    switch (behaviour) {
      case 'ok':
        return end(204)
      case 'fails':
        return end(isHit ? 500 : 204)
      case 'gone':
        return end(calls % 40 === 0 ? 410 : 204)
      case 'busy':
        return isHit ? end(429, { 'retry-after': '1' }) : end(204)
      case 'hangs':
        return isHit ? undefined : end(204)
      case 'drips': {
        if (!isHit) return end(200, {}, Buffer.from('ok'))
        arrival.status = 200
        response.writeHead(200)
        while (!response.destroyed) {
          response.write('.')
          await delay(DRIP_EVERY_MS)
        }
        return
      }
      case 'resets':
        if (!isHit) return end(204)
        response.socket?.resetAndDestroy()
        return
      case 'recovers':
        if (calls <= SLOW_CALLS) await delay(SLOW_MS)
        return end(204)
      case 'flaps':
        return end(Math.floor(Date.now() / FLAP_MS) % 2 === 0 ? 204 : 503)
      case 'garbage':
        return end(200, { 'content-type': 'text/plain' }, Buffer.from([0, 0xff, 0xfe, 0xc0, 0, 0x80]))
    }
  }
  owner.after(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    arrivals,
    get open() {
      return open
    },
    openAt: (path) => openByPath.get(path) ?? 0,
    behave: (path, behaviour) => void byPath.set(path, { behaviour, calls: 0 }),
    behaveWell: () => {
      areAllWell = true
    },
  }
}

function toArrival(request: IncomingMessage, body: Buffer): Arrival {
  const { headers, url = '' } = request
  return {
    path: url,
    id: String(headers['webhook-id']),
    body,
    timestamp: String(headers['webhook-timestamp']),
    signature: String(headers['webhook-signature']),
    atMs: Date.now(),
    status: undefined,
    answered: false,
  }
}

import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type Answer, decode, encode, RECURSION_AVAILABLE, RECURSION_DESIRED } from 'dns-packet'

export interface Question {
  readonly name: string
  /** `A`, `AAAA`, … */
  readonly type: string
}

interface Reply {
  /** IPv4 under `A`, IPv6 under `AAAA`; those of the other type are left out. */
  readonly addresses?: readonly string[]
  /** A name that the asked one stands for; the addresses are its. */
  readonly alias?: string
  /** Default 60. */
  readonly ttl?: number
  readonly delayMs?: number
}

/** What is answered; `silent` is no answer at all. */
export type Zone = (question: Question) => Reply | 'SERVFAIL' | 'NXDOMAIN' | 'silent'

export interface DnsServer {
  /** As name servers are configured: `ip:port`. */
  readonly address: string
  readonly questions: readonly Question[]
  /** From now on. */
  answer(zone: Zone): void
}

const responseCodes = { SERVFAIL: 2, NXDOMAIN: 3 } as const

/** A name server over UDP that answers by script, until the test ends. It says of every name that it has no address until it is given a zone. */
export async function dnsServer(t: TestContext, first: Zone = () => ({})): Promise<DnsServer> {
  const questions: Question[] = []
  let zone = first
  const socket = createSocket('udp4')
  t.after(() => socket.close())
  let isOpen = true
  socket.on('close', () => (isOpen = false))
  socket.on('message', (message, { address, port }) => {
    void respond(message, (response) => {
      if (isOpen) socket.send(response, port, address)
    })
  })
  async function respond(message: Buffer, send: (response: Buffer) => void): Promise<void> {
    const query = decode(message)
    const asked = query.questions?.[0]
    if (!asked) return
    const question = { name: asked.name.toLowerCase(), type: asked.type }
    questions.push(question)
    const reply = zone(question)
    if (reply === 'silent') return
    const isFailure = typeof reply === 'string'
    if (!isFailure && reply.delayMs !== undefined) await delay(reply.delayMs, undefined, { ref: false })
    const response = encode({
      type: 'response',
      ...(query.id !== undefined && { id: query.id }),
      flags: RECURSION_DESIRED | RECURSION_AVAILABLE | (isFailure ? responseCodes[reply] : 0),
      questions: [asked],
      answers: isFailure ? [] : records(asked.name, asked.type, reply),
    })
    send(response)
  }
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return {
    address: `127.0.0.1:${socket.address().port}`,
    questions,
    answer: (next) => {
      zone = next
    },
  }
}

function records(name: string, type: string, { addresses = [], alias, ttl = 60 }: Reply): Answer[] {
  const isOfType = (address: string): boolean => type === (address.includes(':') ? 'AAAA' : 'A')
  const found = addresses
    .filter(isOfType)
    .map((data): Answer => ({ type: data.includes(':') ? 'AAAA' : 'A', name: alias ?? name, ttl, data }))
  return alias === undefined ? found : [{ type: 'CNAME', name, ttl, data: alias }, ...found]
}

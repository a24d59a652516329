import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { verifyWebhook } from '@daybook/sdk'

/** One call that arrived. */
export interface Arrival {
  readonly path: string
  readonly id: string
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
  readonly atMs: number
}

export interface Journal {
  readonly url: string
  readonly arrivals: readonly Arrival[]
  /** Calls that are being answered at this moment. */
  readonly open: number
  /** How a path answers: a status, after a delay. Default 204 at once. */
  answer(path: string, status: number, delayMs?: number): void
}

/** A receiver that keeps everything that arrives. */
export async function startJournal(t: TestContext): Promise<Journal> {
  const arrivals: Arrival[] = []
  const answers = new Map<string, { status: number; delayMs: number }>()
  let open = 0
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    open++
    response.on('close', () => open--)
    request.on('error', () => {})
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const path = request.url ?? ''
      arrivals.push({
        path,
        id: String(request.headers['webhook-id']),
        body: Buffer.concat(chunks).toString(),
        headers: request.headers as Record<string, string>,
        atMs: Date.now(),
      })
      const { status, delayMs } = answers.get(path) ?? { status: 204, delayMs: 0 }
      setTimeout(() => response.writeHead(status).end(), delayMs)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    arrivals,
    get open() {
      return open
    },
    answer: (path, status, delayMs = 0) => void answers.set(path, { status, delayMs }),
  }
}

/** What was published, by whom it was acknowledged, and what must therefore arrive. */
export interface History {
  /** Payload text by event id: a 2xx came back. */
  readonly acknowledged: Map<string, string>
  /** Payload text by event id: the outcome is not known. */
  readonly unknown: Map<string, string>
}

export interface Verdict {
  readonly lost: readonly string[]
  readonly unexpected: readonly string[]
  readonly duplicated: number
}

/**
 * Judges a run at one path, after Jepsen's total queue: acknowledged and never arrived is lost; arrived and never published
 * is unexpected; copies are counted. Every call must be signed, and carry the published bytes.
 */
export async function judge(history: History, journal: Journal, path: string, secret: string): Promise<Verdict> {
  const seen = new Map<string, number>()
  const unexpected: string[] = []
  for (const { id, body, headers } of journal.arrivals.filter((arrival) => arrival.path === path)) {
    await verifyWebhook({ headers, body, secrets: [secret] })
    const payload = history.acknowledged.get(id) ?? history.unknown.get(id)
    if (payload === undefined) unexpected.push(id)
    else assert.ok(body.endsWith(`,"data":${payload}}`), `the bytes of ${id} changed`)
    seen.set(id, (seen.get(id) ?? 0) + 1)
  }
  const lost = [...history.acknowledged.keys()].filter((id) => !seen.has(id))
  const duplicated = [...seen.values()].reduce((sum, count) => sum + count - 1, 0)
  return { lost, unexpected, duplicated }
}

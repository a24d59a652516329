/** Process: publishes events over HTTP and tells which were accepted, and when. */
import type { Dispatcher } from 'undici'
import { Pool } from 'undici'
import { answerCalls } from './calls.ts'
import { renderPublishes } from './render-publishes.ts'
import { sharedNowMs } from './shared-clock.ts'

export interface PublishPlan {
  readonly url: string
  readonly apiKey: string
  readonly events: number
  /** Events per request. */
  readonly batch: number
  /** Event names, used in turn. */
  readonly names: readonly string[]
  readonly connections: number
  /**
   * Requests per second, sent on time whether or not earlier ones were answered (open loop). Without it every connection
   * sends its next request when its last one is answered (closed loop).
   */
  readonly perSecond?: number
}

export interface PublishReport {
  /** All were accepted. In the order in which they were sent. */
  readonly ids: readonly string[]
  /** Of the request that published each of `ids`. Open loop: when it was due, so that a late sender does not flatter. */
  readonly sentAtMs: Float64Array
  readonly answeredAtMs: Float64Array
}

const calls = { publish }

export type Generator = typeof calls

/** Rejects when a request is not answered with a 2xx; all others are sent nonetheless. */
async function publish(plan: PublishPlan): Promise<PublishReport> {
  const { path, bodies, ids } = renderPublishes(plan.events, plan.batch, plan.names)
  const pool = new Pool(plan.url, { connections: plan.connections, pipelining: 1, allowH2: false })
  const headers = ['authorization', `Bearer ${plan.apiKey}`, 'content-type', 'application/json']
  const sentAtMs = new Float64Array(bodies.length)
  const answeredAtMs = new Float64Array(bodies.length)
  const refusals: string[] = []

  const send = async (index: number, atMs: number): Promise<void> => {
    sentAtMs[index] = atMs
    const body = bodies[index] ?? Buffer.alloc(0)
    const refusal = await post(pool, { path, method: 'POST', headers, body })
    answeredAtMs[index] = sharedNowMs()
    if (refusal !== undefined) refusals.push(refusal)
  }
  if (plan.perSecond === undefined) await sendClosed(bodies.length, plan.connections, send)
  else await sendOpen(bodies.length, plan.perSecond, send)
  await pool.close()
  if (refusals.length > 0) {
    throw new Error(`${refusals.length} of ${bodies.length} publishes were refused, the first one: ${refusals[0]}`)
  }
  const ofEvents = (times: Float64Array): Float64Array =>
    Float64Array.from(ids, (_, index) => times[Math.floor(index / plan.batch)] ?? Number.NaN)
  return { ids, sentAtMs: ofEvents(sentAtMs), answeredAtMs: ofEvents(answeredAtMs) }
}

type Send = (index: number, atMs: number) => Promise<void>

async function sendClosed(count: number, connections: number, send: Send): Promise<void> {
  let next = 0
  const work = async (): Promise<void> => {
    while (next < count) await send(next++, sharedNowMs())
  }
  await Promise.all(Array.from({ length: connections }, work))
}

async function sendOpen(count: number, perSecond: number, send: Send): Promise<void> {
  const startMs = sharedNowMs()
  const sent: Promise<void>[] = []
  while (sent.length < count) {
    const dueMs = startMs + (sent.length * 1_000) / perSecond
    // A timer may fire up to a millisecond early, and a request must not be sent before the time it is measured from.
    for (let earlyMs = dueMs - sharedNowMs(); earlyMs > 0; earlyMs = dueMs - sharedNowMs()) {
      await new Promise((resolve) => setTimeout(resolve, earlyMs))
    }
    sent.push(send(sent.length, dueMs))
  }
  await Promise.all(sent)
}

/** Resolves with undefined after a 2xx, otherwise with what went wrong. */
async function post(pool: Pool, options: Dispatcher.DispatchOptions): Promise<string | undefined> {
  return await new Promise((resolve) => {
    let status = 0
    let text = ''
    pool.dispatch(options, {
      onRequestStart: () => {},
      onResponseStart: (_controller, code) => void (status = code),
      onResponseData: (_controller, chunk) => {
        if (status >= 300) text += chunk.toString()
      },
      onResponseEnd: () => resolve(status < 300 ? undefined : `${status} ${text}`),
      onResponseError: (_controller, error) => resolve(error.message),
    })
  })
}

answerCalls(calls)

import { setTimeout as delay } from 'node:timers/promises'
import type { Measured } from '../figures.ts'
import { percentile } from '../percentile.ts'
import { acceptTimesMs, lastReceiptMs, publish, receive } from '../session.ts'
import type { Session } from '../session.ts'
import { sharedNowMs } from '../shared-clock.ts'
import { steadyLoad } from './latency.ts'

/**
 * Deliveries pile up while no process has the role `dispatcher`: publishing must not feel them. Then a server with all
 * roles starts and works them off; the rate is that from its first receipt to its last.
 */
export async function measureBacklog(session: Session): Promise<Measured> {
  const { size, ledger } = session
  await session.restart({ DAYBOOK_ROLES: 'api,router' })
  const warmUp = await publish(session, { events: size.warmUp, batch: 1, connections: 64 })
  const before = await publish(session, steadyLoad(size.backlogSeconds))
  const waiting = await publish(session, { events: size.backlog, batch: 100, connections: 8 })
  await untilRouted(session, waiting.ids)
  const during = await publish(session, steadyLoad(size.backlogSeconds))

  await session.restart()
  const ids = [warmUp, before, waiting, during].flatMap((report) => report.ids)
  await receive(session, ids.length)
  const firstMs = ids.reduce((first, id) => Math.min(first, ledger.receivedAtMs(id) ?? Number.NaN), Infinity)
  const baseMs = percentile(acceptTimesMs(before), 0.95)
  const acceptMs = percentile(acceptTimesMs(during), 0.95)
  return {
    backlog_base_accept_p95_ms: baseMs,
    backlog_accept_p95_ms: acceptMs,
    backlog_accept_ratio: acceptMs / baseMs,
    drain_per_s: (ids.length / (lastReceiptMs(session, ids) - firstMs)) * 1_000,
  }
}

/** The router takes events in the order of their commits; the last one sent shows how far it is, give or take a batch. */
async function untilRouted(session: Session, ids: readonly string[]): Promise<void> {
  const client = await session.client()
  const deadline = sharedNowMs() + session.size.receiptLimitMs
  while (sharedNowMs() < deadline) {
    const { state } = await client.request<{ state: string }>('GET', `/events/${ids.at(-1)}`)
    if (state === 'routed') return
    await delay(50)
  }
  throw new Error('The published events were not routed in time')
}

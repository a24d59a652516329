import { setTimeout as delay } from 'node:timers/promises'
import { APPOINTMENT } from '../appointment.ts'
import type { Measured } from '../figures.ts'
import { publish, receive, subscribe } from '../session.ts'
import type { Session } from '../session.ts'
import { sharedNowMs } from '../shared-clock.ts'

const FULL_RATE = 10_000
const KILLS = 3
const CONCURRENCY = 256

interface Started {
  readonly id: string
}

interface Target {
  readonly subscriptionId: string
  /** What is to be sent again. */
  readonly ids: readonly string[]
  readonly source: object
}

/**
 * Replays the same events twice: once in peace, which gives the rate, and once with the server killed three times, after
 * which exactly the chosen events must have come. An event comes more than once here, so it is no part of the ledger.
 */
export async function measureReplay(session: Session): Promise<Measured> {
  const { size } = session
  await session.restart()
  const before = await lastPosition(session)
  const { ids } = await publish(session, { events: size.replay, batch: 100, connections: 8 })
  await receive(session, ids.length)
  // Whose calls end soon after a kill are made again soon.
  const options = { event_names: [APPOINTMENT], concurrency: CONCURRENCY, timeout_ms: 1_000 }
  const { id: subscriptionId } = await subscribe(session, '/replayed', options)
  const target = { subscriptionId, ids, source: { from_position: before + 1, event_names: [APPOINTMENT] } }

  await startReplay(session, target)
  const peaceful = await reconcile(session, target)
  const replay = await startReplay(session, target)
  const disturbed = await reconcile(session, target, async () => {
    for (let kill = 1; kill <= KILLS; kill++) {
      await untilDone(session, replay, (ids.length * kill) / (KILLS + 1))
      await session.kill()
      await session.restart()
    }
  })
  await (await session.client()).request('DELETE', `/events/subscriptions/${subscriptionId}`)
  return {
    replay_per_s: peaceful.perS,
    replay_lost: peaceful.lost + disturbed.lost,
    replay_strangers: peaceful.strangers + disturbed.strangers,
    replay_copies: peaceful.copies,
    replay_copies_of_kills: disturbed.copies,
  }
}

async function lastPosition({ client }: Session): Promise<number> {
  const query = { limit: 1 }
  const { data } = await (await client()).request<{ data: { position: number }[] }>('GET', '/events', { query })
  return data[0]?.position ?? 0
}

async function startReplay({ client }: Session, { subscriptionId, ids, source }: Target): Promise<Started> {
  const target = { subscription_ids: [subscriptionId] }
  const body = { source, target, rate: FULL_RATE, expected_count: ids.length }
  return await (await client()).request<Started>('POST', '/events/replays', { body })
}

/** Resolves when so many deliveries were made. */
async function untilDone({ client, size }: Session, { id }: Started, count: number): Promise<void> {
  const deadline = sharedNowMs() + size.receiptLimitMs
  while (sharedNowMs() < deadline) {
    const { done } = await (await client()).request<{ done: number }>('GET', `/events/replays/${id}`)
    if (done >= count) return
    await delay(20)
  }
  throw new Error('The replay did not go on')
}

interface Reconciled {
  /** From the first receipt to the last of the chosen ones. */
  readonly perS: number
  readonly lost: number
  /** Received and not chosen. */
  readonly strangers: number
  readonly copies: number
}

async function reconcile(
  { receiver, size }: Session,
  { ids }: Target,
  disturb: () => Promise<void> = async () => {},
): Promise<Reconciled> {
  await disturb()
  const chosen = new Set(ids)
  const firstAtMs = new Map<string, number>()
  let copies = 0
  const deadline = sharedNowMs() + size.receiptLimitMs
  while (firstAtMs.size < chosen.size && sharedNowMs() < deadline) {
    await receiver.ask('until', chosen.size - firstAtMs.size, 1_000)
    const { ids: received, atMs } = await receiver.ask('take')
    for (const [index, id] of received.entries()) {
      if (firstAtMs.has(id)) copies++
      else firstAtMs.set(id, atMs[index] ?? Number.NaN)
    }
  }
  await delay(1_000) // copies that come late
  copies += (await receiver.ask('take')).ids.length
  const strangers = [...firstAtMs.keys()].filter((id) => !chosen.has(id)).length
  const times = [...firstAtMs.values()]
  const [firstMs, lastMs] = [
    times.reduce((a, b) => Math.min(a, b), Infinity),
    times.reduce((a, b) => Math.max(a, b), 0),
  ]
  return {
    perS: (firstAtMs.size / (lastMs - firstMs)) * 1_000,
    lost: chosen.size - (firstAtMs.size - strangers),
    strangers,
    copies,
  }
}

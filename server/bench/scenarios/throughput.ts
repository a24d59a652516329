import type { Measured } from '../figures.ts'
import { lastReceiptMs, publish, receive } from '../session.ts'
import type { Session } from '../session.ts'

/**
 * Events per second from the first publish to the last receipt, with a fan-out of 1: in batches of 100, and the memory
 * that it took.
 */
export async function measureEndToEnd(session: Session): Promise<Measured> {
  const end_to_end_per_s = await rate(session, { events: session.size.endToEnd, batch: 100, connections: 8 })
  const rss_mb = await (await session.server()).peakMemoryMb()
  return { end_to_end_per_s, ...(rss_mb !== undefined && { rss_mb }) }
}

/** The same, published one by one. */
export async function measureSingles(session: Session): Promise<Measured> {
  return { single_per_s: await rate(session, { events: session.size.singles, batch: 1, connections: 64 }) }
}

async function rate(session: Session, plan: { events: number; batch: number; connections: number }): Promise<number> {
  const report = await publish(session, plan)
  await receive(session, report.ids.length)
  const tookMs = lastReceiptMs(session, report.ids) - (report.sentAtMs[0] ?? Number.NaN)
  return (report.ids.length / tookMs) * 1_000
}

import type { Measured } from '../figures.ts'
import { percentile } from '../percentile.ts'
import { acceptTimesMs, deliveryTimesMs, publish, receive } from '../session.ts'
import type { Session } from '../session.ts'

/** The steady load under which latencies are measured. */
export const EVENTS_PER_SECOND = 200

/** How long a publish takes, and how long after it the webhook arrives, under a load that does not wait for answers. */
export async function measureLatency(session: Session): Promise<Measured> {
  const report = await publish(session, steadyLoad(session.size.latencySeconds))
  await receive(session, report.ids.length)
  const deliveryMs = deliveryTimesMs(session, report)
  return {
    p50_ms: percentile(deliveryMs, 0.5),
    p99_ms: percentile(deliveryMs, 0.99),
    accept_p95_ms: percentile(acceptTimesMs(report), 0.95),
  }
}

export function steadyLoad(seconds: number) {
  return { events: EVENTS_PER_SECOND * seconds, batch: 1, connections: 64, perSecond: EVENTS_PER_SECOND }
}

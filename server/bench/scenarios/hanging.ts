import type { Measured } from '../figures.ts'
import type { PublishReport } from '../generator.ts'
import { percentile } from '../percentile.ts'
import { deliveryTimesMs, publish, receive, subscribe } from '../session.ts'
import type { Session } from '../session.ts'
import { EVENTS_PER_SECOND } from './latency.ts'

/** Fewer than the calls that hang: a tenth of 200 a second for 15 s are 300. A pool that they do not fill proves nothing. */
const CALLS_MAX = 128

/**
 * Many endpoints of one company get a steady load twice: first all of them answer, then one in ten takes every call and
 * never answers. The others should not notice. Afterwards the hanging ones answer again and get what they are owed.
 */
export async function measureHanging(session: Session): Promise<Measured> {
  const { size, receiver } = session
  await session.restart({
    DAYBOOK_RETRY_SCHEDULE: Array(5).fill(size.hangingRetrySeconds).join(','),
    DAYBOOK_CALLS_MAX: String(CALLS_MAX),
  })
  const endpoints = Array.from({ length: size.endpoints }, (_, number) => ({
    path: `/e/${number}`,
    name: `bench.e${number}`,
    hangs: number % 10 === 0,
  }))
  const queue = endpoints.values()
  const subscribeNext = async (): Promise<void> => {
    for (const { path, name } of queue) {
      await subscribe(session, path, { event_names: [name], timeout_ms: size.hangingTimeoutMs })
    }
  }
  await Promise.all([subscribeNext(), subscribeNext(), subscribeNext(), subscribeNext()])

  const load = {
    events: EVENTS_PER_SECOND * size.hangingSeconds,
    batch: 1,
    connections: 64,
    perSecond: EVENTS_PER_SECOND,
    names: endpoints.map(({ name }) => name),
  }
  const warmUp = await publish(session, { ...load, events: size.warmUp })
  await receive(session, warmUp.ids.length)
  // Names are used in turn, so an event's number tells its endpoint.
  const isHealthy = (_: unknown, index: number): boolean => endpoints[index % endpoints.length]?.hangs === false
  const p99 = (report: PublishReport): number => percentile(deliveryTimesMs(session, report).filter(isHealthy), 0.99)

  const calm = await publish(session, load)
  await receive(session, calm.ids.length)
  const calmMs = p99(calm)

  await receiver.ask(
    'hang',
    endpoints.filter(({ hangs }) => hangs).map(({ path }) => path),
  )
  const troubled = await publish(session, load)
  const healthy = troubled.ids.filter(isHealthy).length
  await receive(session, healthy)
  const troubledMs = p99(troubled)
  await receiver.ask('release')
  await receive(session, troubled.ids.length - healthy)
  return { healthy_base_p99_ms: calmMs, healthy_p99_ms: troubledMs, healthy_ratio: troubledMs / calmMs }
}

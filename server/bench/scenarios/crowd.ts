import { APPOINTMENT } from '../appointment.ts'
import type { Measured } from '../figures.ts'
import { percentile } from '../percentile.ts'
import { subscribe } from '../session.ts'
import type { Session } from '../session.ts'
import { sharedNowMs } from '../shared-clock.ts'

/** Of how many subscriptions an event is owed, whatever the crowd. */
const MATCHING = 10

/**
 * A company with ten subscriptions that match, and then with a crowd of others: half of them name other events, half name
 * this one and filter it out. Creating a subscription and routing an event should not notice them.
 */
export async function measureCrowd(session: Session): Promise<Measured> {
  const { size } = session
  for (let number = 0; number < MATCHING; number++) {
    await subscribe(session, '/crowd', {
      event_names: [APPOINTMENT],
      filter: { branch_id: 'berlin-mitte' },
      concurrency: 64,
    })
  }
  await rate(session) // so that what is measured is compiled
  const baseCreateMs = await createMs(session)
  const basePerS = await rate(session)
  await fill(session, size.crowd)
  await rate(session) // the crowd is read once
  const crowdCreateMs = await createMs(session)
  const crowdPerS = await rate(session)
  return {
    crowd_base_create_ms: baseCreateMs,
    crowd_create_ms: crowdCreateMs,
    crowd_create_ratio: crowdCreateMs / baseCreateMs,
    crowd_base_per_s: basePerS,
    crowd_per_s: crowdPerS,
    crowd_ratio: basePerS / crowdPerS,
  }
}

async function fill(session: Session, count: number): Promise<void> {
  let next = 0
  const work = async (): Promise<void> => {
    for (let number = next++; number < count; number = next++) await subscribe(session, '/none', outsider(number))
  }
  await Promise.all([work(), work(), work(), work()])
}

function outsider(number: number): Parameters<typeof subscribe>[2] {
  if (number % 2 === 0) return { event_names: [`bench.crowd${number}`] }
  return { event_names: [APPOINTMENT], filter: { branch_id: `branch-${number}` } }
}

/** The median of creating one. */
async function createMs(session: Session): Promise<number> {
  const times: number[] = []
  for (let number = 0; number < 50; number++) {
    const beganMs = sharedNowMs()
    await subscribe(session, '/none', outsider(number))
    times.push(sharedNowMs() - beganMs)
  }
  return percentile(times, 0.5)
}

/** Events per second to the last of their ten receipts. They stay out of the ledger, where an event is received once. */
async function rate({ size, server, receiver, generator, apiKey }: Session): Promise<number> {
  const { url } = await server()
  const events = Math.ceil(size.endToEnd / MATCHING)
  const plan = { url, apiKey, names: [APPOINTMENT], events, batch: 100, connections: 8 }
  const { ids, sentAtMs } = await generator.ask('publish', plan)
  await receiver.ask('until', ids.length * MATCHING, size.receiptLimitMs)
  const { atMs } = await receiver.ask('take')
  if (atMs.length !== ids.length * MATCHING) throw new Error(`${atMs.length} of ${ids.length * MATCHING} were received`)
  return (ids.length / (atMs.reduce((last, at) => Math.max(last, at), 0) - (sentAtMs[0] ?? Number.NaN))) * 1_000
}

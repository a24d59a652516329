import type { Measured } from '../figures.ts'
import type { Session } from '../session.ts'

/** The machine's own limits, measured before the server is started. */
export async function measureLimits(session: Session): Promise<Measured> {
  const { baseline, receiver, receiverUrl, size, baselineDir } = session
  const rates = []
  for (const concurrency of [32, 64, 128, 64]) {
    rates.push(await baseline.ask('signedPosts', `${receiverUrl}/limit`, size.baseline, concurrency))
    await receiver.ask('take')
  }
  const limit_inserts_per_s = await baseline.ask('inserts', baselineDir, size.baseline)
  return { limit_posts_per_s: Math.max(...rates), limit_inserts_per_s }
}

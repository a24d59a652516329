import type { Measured } from '../figures.ts'
import { percentile } from '../percentile.ts'
import type { Session } from '../session.ts'

/** From the spawn of the process to ready, on the data of the scenarios before; the median. */
export async function measureStart(session: Session): Promise<Measured> {
  await session.server() // so that there is a data directory
  const seconds = []
  for (let start = 0; start < session.size.starts; start++) {
    seconds.push((await session.restart()).startedInMs / 1_000)
  }
  return { start_s: percentile(seconds, 0.5) }
}

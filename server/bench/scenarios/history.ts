import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { withDatabase } from '../../src/cli/with-database.ts'
import type { Measured } from '../figures.ts'
import { askAll } from '../history/ask-all.ts'
import { comparePlans, parsePlans, renderPlans } from '../history/committed-plans.ts'
import type { Plans } from '../history/committed-plans.ts'
import { explainReads } from '../history/explain-reads.ts'
import { fillHistory } from '../history/fill-history.ts'
import { historyKinds } from '../history/history-requests.ts'
import type { ServerProcess } from '../server-process.ts'
import { startServerProcess } from '../server-process.ts'
import type { Session } from '../session.ts'
import { sizes } from '../size.ts'

const committedPlans = new URL('../../../docs/plans/reads.txt', import.meta.url)

/**
 * History, timeline, statistics and audit of a company with four of five million events, asked over HTTP by one caller, in
 * a database of its own. Tells the p95 of the slowest kind of request of each subject. At full size the plans of all statements are compared
 * with those that are committed.
 */
export async function measureHistory(session: Session): Promise<Measured> {
  const { size, apiKey, onEnd } = session
  const dataDir = session.historyDir
  await mkdir(dataDir)
  const start = async (): Promise<ServerProcess> => {
    const server = await startServerProcess({ dataDir, apiKey })
    onEnd(server.stop)
    return server
  }
  await (await start()).stop() // makes the company and its key
  const beganMs = performance.now()
  const nowMs = Date.now()
  const { companyId, story, recountMs } = await fillHistory({
    dataDir,
    events: size.historyEvents,
    entities: size.historyEntities,
    nowMs,
    onStart: onEnd,
  })
  const fillS = (performance.now() - beganMs) / 1_000
  console.error(
    `filled in ${Math.round(fillS)} s, of which counting all statistics took ${Math.round(recountMs / 1_000)} s`,
  )

  const server = await start()
  const kinds = historyKinds(story)
  const slowest = await askAll({ url: server.url, apiKey, kinds, requests: size.historyRequests })
  const plans = await withDatabase(
    { databaseUrl: undefined, dataDir },
    () => {},
    ({ api }) => explainReads(api, companyId, kinds, Date.now()),
  )
  if (size === sizes.full) await checkPlans(plans)
  await server.stop()
  return { ...slowest, history_fill_s: fillS }
}

/** With DAYBOOK_UPDATE they are written anew. */
async function checkPlans(plans: Plans): Promise<void> {
  if (process.env['DAYBOOK_UPDATE']) await writeFile(committedPlans, renderPlans(plans))
  const others = comparePlans(parsePlans(await readFile(committedPlans, 'utf8')), plans)
  if (others.length === 0) return
  console.error(`Planned otherwise than in docs/plans/reads.txt:\n${others.map((name) => `  ${name}`).join('\n')}`)
}

import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { withDatabase } from '../../src/cli/with-database.ts'
import { startHelper } from '../calls.ts'
import type { FigureName, Measured } from '../figures.ts'
import type { Asker } from '../history/asker.ts'
import { comparePlans, parsePlans, renderPlans } from '../history/committed-plans.ts'
import type { Plans } from '../history/committed-plans.ts'
import { explainReads } from '../history/explain-reads.ts'
import { fillHistory } from '../history/fill-history.ts'
import type { HistoryRequest, RequestKind, Subject } from '../history/history-requests.ts'
import { historyKinds, pathOf } from '../history/history-requests.ts'
import { percentile } from '../percentile.ts'
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

const figureOf: Readonly<Record<Subject, FigureName>> = {
  history: 'history_p95_ms',
  facets: 'facets_p95_ms',
  event: 'event_p95_ms',
  timeline: 'timeline_p95_ms',
  statistics: 'statistics_p95_ms',
  audit: 'audit_p95_ms',
}

/** Asked before those that are timed. */
const WARM_UP_MAX = 20

interface Questions {
  readonly url: string
  readonly apiKey: string
  readonly kinds: readonly RequestKind[]
  /** Of each kind. */
  readonly requests: number
}

async function askAll({ url, apiKey, kinds, requests }: Questions): Promise<Measured> {
  const asker = startHelper<Asker>(new URL('../history/asker.ts', import.meta.url))
  const slowest: Partial<Record<FigureName, number>> = {}
  console.log(tellKind(['', 'p50 ms', 'p95 ms', 'max ms', 'entries']))
  const warmUp = Math.min(WARM_UP_MAX, requests)
  try {
    for (const { subject, name, request } of kinds) {
      const asks = Array.from({ length: warmUp + requests }, (_, k) => toAsk(request(k)))
      const { tookMs, rows } = await asker.ask('ask', { url, apiKey, asks })
      const times = [...tookMs.subarray(warmUp)]
      const p95 = percentile(times, 0.95)
      const told = [percentile(times, 0.5), p95, Math.max(...times)].map((ms) => ms.toFixed(1))
      console.log(tellKind([`${subject}: ${name}`, ...told, String(Math.round(rows / asks.length))]))
      const figure = figureOf[subject]
      slowest[figure] = Math.max(slowest[figure] ?? 0, p95)
    }
  } finally {
    await asker.stop()
  }
  return slowest
}

function tellKind([title = '', ...numbers]: readonly string[]): string {
  return title.padEnd(46) + numbers.map((number) => number.padStart(9)).join('')
}

function toAsk(request: HistoryRequest): { readonly path: string; readonly cursorPath?: string } {
  const { query, cursorFrom } = request
  return { path: pathOf(request, query), ...(cursorFrom && { cursorPath: pathOf(request, cursorFrom) }) }
}

/** With DAYBOOK_UPDATE they are written anew. */
async function checkPlans(plans: Plans): Promise<void> {
  if (process.env['DAYBOOK_UPDATE']) await writeFile(committedPlans, renderPlans(plans))
  const others = comparePlans(parsePlans(await readFile(committedPlans, 'utf8')), plans)
  if (others.length === 0) return
  console.error(`Planned otherwise than in docs/plans/reads.txt:\n${others.map((name) => `  ${name}`).join('\n')}`)
}

import { startHelper } from '../calls.ts'
import type { FigureName, Measured } from '../figures.ts'
import { percentile } from '../percentile.ts'
import type { Asker } from './asker.ts'
import type { HistoryRequest, RequestKind, Subject } from './history-requests.ts'
import { pathOf } from './history-requests.ts'

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

/** Prints what each kind takes. Answers with the p95 of the slowest kind of each subject. */
export async function askAll({ url, apiKey, kinds, requests }: Questions): Promise<Measured> {
  const asker = startHelper<Asker>(new URL('./asker.ts', import.meta.url))
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

/** What is measured, what it should reach (DESIGN.md section 7), and how it is told. */
interface Figure {
  readonly title: string
  readonly unit: string
  readonly digits: number
  readonly atLeast?: number
  readonly atMost?: number
}

/** By their names in the JSON line, in the order of the table. */
export const figures = {
  limit_posts_per_s: { title: 'limit: bare loop of signed POSTs', unit: '/s', digits: 0 },
  limit_inserts_per_s: { title: 'limit: bare batches of the same inserts', unit: '/s', digits: 0 },
  end_to_end_per_s: { title: 'end to end, published in batches of 100', unit: '/s', digits: 0, atLeast: 8_000 },
  ratio: { title: '  as a part of the bare loop of POSTs', unit: '', digits: 2, atLeast: 0.25 },
  rss_mb: { title: '  most memory of the server process', unit: 'MB', digits: 0, atMost: 300 },
  single_per_s: { title: 'end to end, published one by one', unit: '/s', digits: 0, atLeast: 3_000 },
  p50_ms: { title: 'commit to receipt at 200/s, p50', unit: 'ms', digits: 1, atMost: 10 },
  p99_ms: { title: 'commit to receipt at 200/s, p99', unit: 'ms', digits: 1, atMost: 50 },
  accept_p95_ms: { title: 'accept latency at 200/s, p95', unit: 'ms', digits: 1, atMost: 10 },
  start_s: { title: 'start on an existing data directory', unit: 's', digits: 2, atMost: 2 },
  backlog_base_accept_p95_ms: { title: 'accept p95 without deliveries waiting', unit: 'ms', digits: 1 },
  backlog_accept_p95_ms: { title: 'accept p95 with deliveries waiting', unit: 'ms', digits: 1 },
  // "Unchanged" within what two runs of the same load differ by.
  backlog_accept_ratio: { title: '  as a multiple', unit: '', digits: 2, atMost: 1.25 },
  drain_per_s: { title: 'drain of the waiting deliveries', unit: '/s', digits: 0 },
  drain_ratio: { title: '  as a part of the end-to-end rate', unit: '', digits: 2, atLeast: 0.8 },
  retention_drop_s: {
    title: 'retention: from the decision until old months are gone',
    unit: 's',
    digits: 1,
    atMost: 60,
  },
  retention_rows_per_s: { title: '  rows that end one by one', unit: '/s', digits: 0 },
  retention_publish_max_ms: {
    title: '  the longest publish meanwhile, at 100/s',
    unit: 'ms',
    digits: 0,
    atMost: 1_000,
  },
  healthy_base_p99_ms: { title: 'commit to receipt, many endpoints, p99', unit: 'ms', digits: 1 },
  healthy_p99_ms: { title: '  of the others while 10 % hang', unit: 'ms', digits: 1 },
  healthy_ratio: { title: '  as a multiple', unit: '', digits: 2, atMost: 2 },
  crowd_base_create_ms: { title: 'creating a subscription beside ten', unit: 'ms', digits: 1 },
  crowd_create_ms: { title: '  beside a crowd', unit: 'ms', digits: 1 },
  crowd_create_ratio: { title: '  as a multiple', unit: '', digits: 2, atMost: 2 },
  crowd_base_per_s: { title: 'end to end to ten of ten subscriptions', unit: '/s', digits: 0 },
  crowd_per_s: { title: '  to ten of a crowd', unit: '/s', digits: 0 },
  crowd_ratio: { title: '  as a multiple', unit: '', digits: 2, atMost: 2 },
  replay_per_s: { title: 'replay at full rate', unit: '/s', digits: 0 },
  replay_copies: { title: '  copies too many', unit: '', digits: 0, atMost: 0 },
  replay_lost: { title: '  chosen events that did not come, killed three times', unit: '', digits: 0, atMost: 0 },
  replay_strangers: { title: '  events that were not chosen', unit: '', digits: 0, atMost: 0 },
  replay_copies_of_kills: { title: '  copies of calls that were under way', unit: '', digits: 0 },
  history_fill_s: { title: 'filling a long history', unit: 's', digits: 0 },
  history_p95_ms: { title: '  pages of its events, slowest kind, p95', unit: 'ms', digits: 1, atMost: 50 },
  facets_p95_ms: { title: '  facets, slowest kind, p95', unit: 'ms', digits: 1, atMost: 50 },
  event_p95_ms: { title: '  an event with all about it, p95', unit: 'ms', digits: 1, atMost: 50 },
  timeline_p95_ms: { title: '  timelines, slowest kind, p95', unit: 'ms', digits: 1, atMost: 50 },
  statistics_p95_ms: { title: '  statistics, slowest kind, p95', unit: 'ms', digits: 1, atMost: 50 },
  audit_p95_ms: { title: '  audit, slowest kind, p95', unit: 'ms', digits: 1, atMost: 50 },
  events: { title: 'events accepted in all', unit: '', digits: 0 },
  lost: { title: '  of them lost', unit: '', digits: 0, atMost: 0 },
  duplicated: { title: '  copies too many', unit: '', digits: 0, atMost: 0 },
} as const satisfies Readonly<Record<string, Figure>>

export type FigureName = keyof typeof figures
export type Measured = Readonly<Partial<Record<FigureName, number>>>

export type Verdict = 'ok' | 'missed' | ''

/** Empty where there is no target. What could not be measured has missed it. */
export function judge(figure: Figure, value: number): Verdict {
  if (figure.atLeast !== undefined) return value >= figure.atLeast ? 'ok' : 'missed'
  if (figure.atMost !== undefined) return value <= figure.atMost ? 'ok' : 'missed'
  return ''
}

/** Of these one is too many in any run. */
export const reconciled: ReadonlySet<string> = new Set<FigureName>([
  'lost',
  'duplicated',
  'replay_lost',
  'replay_strangers',
  'replay_copies',
])

/** A table for people. Without `judged`, for runs too short to tell, only lost and duplicated events are. */
export function figureTable(measured: Measured, judged: boolean): string {
  const values: Readonly<Record<string, number | undefined>> = measured
  const rows = Object.entries<Figure>(figures).flatMap(([name, figure]) => {
    const value = values[name]
    if (value === undefined) return []
    const isJudged = judged || reconciled.has(name)
    return [[figure.title, tell(figure, value), target(figure), isJudged ? judge(figure, value) : '']]
  })
  const table = [['', 'measured', 'target', ''], ...rows]
  const widths = [0, 1, 2].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)))
  return table
    .map(([title = '', value = '', wanted = '', verdict = '']) => {
      const [first = 0, second = 0, third = 0] = widths
      return `${title.padEnd(first)}  ${value.padStart(second)}  ${wanted.padStart(third)}  ${verdict}`.trimEnd()
    })
    .join('\n')
}

function tell({ digits, unit }: Figure, value: number): string {
  const number = value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
  return unit === '' ? number : `${number} ${unit}`
}

function target(figure: Figure): string {
  if (figure.atLeast !== undefined) return `≥ ${tell(figure, figure.atLeast)}`
  if (figure.atMost !== undefined) return `≤ ${tell(figure, figure.atMost)}`
  return ''
}

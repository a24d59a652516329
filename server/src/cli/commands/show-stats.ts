import type { Static } from 'typebox'
import type { Stats } from '../../contract/stats.ts'
import type { ConnectionOptions } from '../connection.ts'
import { connectToRead } from '../connection.ts'
import type { Column } from '../table.ts'
import { recordText, tableText } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import { say, sayJson } from '../terminal.ts'

export interface StatsOptions extends ConnectionOptions {
  readonly from?: string
  readonly to?: string
  readonly bucket?: string
  readonly name?: readonly string[]
  readonly subscription?: string
}

type Answer = Static<typeof Stats.schema>
type Bucket = Answer['buckets'][number]

const columns: readonly Column<Bucket>[] = [
  { title: 'FROM', value: ({ starts_at }) => starts_at },
  { title: 'EVENTS', value: ({ events }) => events },
  { title: 'CALLS', value: ({ attempts }) => attempts },
  { title: 'DELIVERED', value: ({ delivered }) => delivered },
  { title: 'FAILED', value: ({ failed }) => failed },
  { title: 'SUCCESS', value: ({ success_rate }) => percentText(success_rate) },
  { title: 'P95 MS', value: ({ latency_ms }) => latency_ms && Math.round(latency_ms.p95) },
]

const nameColumns: readonly Column<Answer['events_by_name'][number]>[] = [
  { title: 'EVENT', value: ({ event_name }) => event_name },
  { title: 'NUMBER', value: ({ events }) => events },
]

const causeColumns: readonly Column<Answer['causes'][number]>[] = [
  { title: 'NOT DELIVERED BY', value: ({ class: cause }) => cause },
  { title: 'CALLS', value: ({ count }) => count },
]

const worstColumns: readonly Column<Answer['worst_subscriptions'][number]>[] = [
  { title: 'FAILING SUBSCRIPTION', value: ({ subscription_id }) => subscription_id },
  { title: 'FAILED CALLS', value: ({ failed_attempts }) => failed_attempts },
  { title: 'SUCCESS', value: ({ success_rate }) => percentText(success_rate) },
  { title: 'STATUS', value: ({ status }) => status },
  { title: 'URL', value: ({ webhook_url }) => webhook_url },
]

export async function showStats(terminal: Terminal, options: StatsOptions): Promise<void> {
  const { from, to, bucket, name, subscription, json } = options
  const query = { from, to, bucket, event_names: name, subscription_id: subscription }
  const stats = await connectToRead(options, terminal.env)<Answer>('/events/stats', query)
  if (json) sayJson(terminal, stats)
  else say(terminal, statsText(terminal, stats))
}

function statsText({ stdout }: Terminal, stats: Answer): string {
  const { buckets, totals, previous, events_by_name: names, causes, worst_subscriptions: worst } = stats
  const change = previous && `${previous.events} events, success ${percentText(previous.success_rate) ?? '-'}`
  const summary = {
    period: `${stats.from} to ${stats.to}`,
    events: totals.events,
    calls: totals.attempts,
    success: percentText(totals.success_rate),
    before: change,
  }
  const busy = buckets.filter(({ events, attempts }) => events > 0 || attempts > 0)
  return [
    recordText(stdout, summary),
    ...(busy.length > 0 ? [tableText(stdout, columns, busy)] : []),
    ...(names.length > 0 ? [tableText(stdout, nameColumns, names)] : []),
    ...(causes.length > 0 ? [tableText(stdout, causeColumns, causes)] : []),
    ...(worst.length > 0 ? [tableText(stdout, worstColumns, worst)] : []),
  ].join('\n\n')
}

function percentText(share: number | null): string | null {
  return share === null ? null : `${(share * 100).toFixed(2)} %`
}

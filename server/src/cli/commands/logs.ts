import type { Command } from 'commander'
import { Option } from 'commander'
import type { ConnectionOptions } from '../connection.ts'
import { addConnectionOptions, connectToRead } from '../connection.ts'
import { parseWholeNumber } from '../option-values.ts'
import { showList } from '../show-list.ts'
import type { Column } from '../table.ts'
import { recordText, visible } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import { say, sayJson } from '../terminal.ts'

interface ListOptions extends ConnectionOptions {
  readonly subscription?: string
  readonly event?: string
  readonly name?: string
  readonly outcome?: string
  readonly reason?: string
  readonly from?: string
  readonly to?: string
  readonly limit: number
}

/** As far as it is shown here. */
interface LogRow {
  readonly id: string
  readonly created_at: string
  readonly event_name: string
  readonly attempt_no: number
  readonly outcome: string
  readonly reason: string
  readonly response_status: number | null
  readonly total_ms: number | null
  readonly webhook_url: string
}

const columns: readonly Column<LogRow>[] = [
  { title: 'CREATED', value: ({ created_at }) => created_at },
  { title: 'EVENT', value: ({ event_name }) => event_name },
  { title: 'TRY', value: ({ attempt_no }) => attempt_no },
  { title: 'OUTCOME', value: ({ outcome }) => outcome },
  { title: 'REASON', value: ({ reason }) => reason },
  { title: 'MS', value: ({ total_ms }) => total_ms && Math.round(total_ms) },
  { title: 'URL', value: ({ webhook_url }) => webhook_url },
  { title: 'ID', value: ({ id }) => id },
]

const root = '/events/webhook-logs'
const outcomes = ['delivered', 'will_retry', 'failed', 'cancelled', 'unknown']

export function addLogsCommand(program: Command, terminal: Terminal): void {
  const logs = program.command('logs').description('what was posted to subscribers, and what they answered')
  const list = logs
    .command('list', { isDefault: true })
    .description('list calls and endings, newest first')
    .option('--subscription <id>', 'only to this one')
    .option('--event <id>', 'only of this event')
    .option('--name <name>', 'only of these events: a name, or a prefix such as appointment.*')
    .addOption(new Option('--outcome <outcome>', 'only those that ended so').choices(outcomes))
    .option('--reason <reason>', 'http_503, timeout and the like')
    .option('--from <time>', 'RFC 3339, or relative: -30m, -24h, -7d')
    .option('--to <time>', 'like --from; itself not included')
    .option('--limit <number>', 'how many at most', parseWholeNumber(1, 1_000_000), 50)
    .addHelpText('after', '\nExample:\n  daybook logs --outcome failed --from -24h')
    .action(async (options: ListOptions) => {
      const { subscription, event, name, outcome, reason, from, to, limit, json = false } = options
      await showList<LogRow>(terminal, connectToRead(options, terminal.env), json, {
        path: root,
        query: { subscription_id: subscription, event_id: event, event_name: name, outcome, reason, from, to },
        limit,
        columns,
        none: 'No calls',
      })
    })
  const show = logs
    .command('show')
    .description('show one call: what was sent, what came back, and how long each step took')
    .argument('<id>')
    .action(async (id: string, options: ConnectionOptions) => {
      const read = connectToRead(options, terminal.env)
      const log = await read<Readonly<Record<string, unknown>>>(`${root}/${encodeURIComponent(id)}`)
      if (options.json) return sayJson(terminal, log)
      const { response_body: body, ...members } = log
      const parts = [recordText(terminal.stdout, members)]
      if (typeof body === 'string') parts.push(visible(body))
      say(terminal, parts.join('\n\n'))
    })
  for (const command of [list, show]) addConnectionOptions(command)
}

import type { Command } from 'commander'
import type { ConnectionOptions } from '../connection.ts'
import { addConnectionOptions, connectToRead } from '../connection.ts'
import { parseEntity, parseWholeNumber } from '../option-values.ts'
import { showList } from '../show-list.ts'
import type { Column } from '../table.ts'
import { recordText, visible } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import { say, sayJson } from '../terminal.ts'

interface TimelineOptions extends ConnectionOptions {
  readonly related?: true
  readonly at?: string
  readonly from?: string
  readonly to?: string
  readonly limit: number
}

/** As far as it is shown here. */
interface TimelineRow {
  readonly position: number
  readonly recorded_at: string
  readonly event_name: string
  readonly relation: string
  readonly entity_type: string | null
  readonly entity_id: string | null
  readonly changes: readonly { readonly member: string; readonly before?: unknown; readonly after: unknown }[]
}

interface State {
  readonly is_complete: boolean
  readonly members: Readonly<Record<string, { readonly value: unknown }>>
}

const columns: readonly Column<TimelineRow>[] = [
  { title: 'POSITION', value: ({ position }) => position },
  { title: 'RECORDED', value: ({ recorded_at }) => recorded_at },
  { title: 'EVENT', value: ({ event_name }) => event_name },
  { title: 'BY', value: ({ relation }) => (relation === 'entity' ? null : relation) },
  { title: 'ENTITY', value: ({ entity_type, entity_id }) => entity_type && `${entity_type}:${entity_id}` },
  { title: 'CHANGES', value: ({ changes }) => changes.map(changeText).join(', ') },
]

export function addTimelineCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command('timeline')
    .description("tell an entity's story, the oldest event first")
    .argument('<type:id>', 'the entity: customer:cus_19ZK', parseEntity)
    .option('--related', 'with events that name it, share a correlation with it, or are about what was merged into it')
    .option('--at <time>', 'its state at that time instead: RFC 3339, or relative such as -7d')
    .option('--from <time>', 'RFC 3339, or relative: -30m, -24h, -7d')
    .option('--to <time>', 'like --from; itself not included')
    .option('--limit <number>', 'how many events at most', parseWholeNumber(1, 1_000_000), 200)
    .addHelpText('after', '\nExample:\n  daybook timeline appointment:123 --related')
    .action(async (entity: ReturnType<typeof parseEntity>, options: TimelineOptions) => {
      const { related, at, from, to, limit, json = false } = options
      const read = connectToRead(options, terminal.env)
      const query = { entity_type: entity.type, entity_id: entity.id, include_related: related, from, to }
      if (at !== undefined) {
        const { state } = await read<{ readonly state: State }>('/events/timeline', { ...query, at, limit: 1 })
        if (json) sayJson(terminal, state)
        else say(terminal, stateText(terminal, state))
        return
      }
      const none = 'No events'
      await showList<TimelineRow>(terminal, read, json, { path: '/events/timeline', query, limit, columns, none })
    })
  addConnectionOptions(command)
}

function stateText({ stdout }: Terminal, { members, is_complete: isComplete }: State): string {
  const values = Object.entries(members).map(([name, { value }]) => [name, value] as const)
  if (values.length === 0) return 'No state: no event about it by then'
  const text = recordText(stdout, Object.fromEntries(values))
  return isComplete ? text : `${text}\n\nOf the newest 1,000 events by then; older ones were not looked at`
}

const VALUE_SHOWN_MAX = 40

function changeText({ member, before, after }: TimelineRow['changes'][number]): string {
  const now = `${member}: ${short(after)}`
  return before === undefined ? now : `${now} (was ${short(before)})`
}

function short(value: unknown): string {
  const text = visible(JSON.stringify(value))
  return text.length > VALUE_SHOWN_MAX ? `${text.slice(0, VALUE_SHOWN_MAX)}…` : text
}

import type { EntityReference } from '@daybook/sdk'
import type { Command } from 'commander'
import type { ConnectionOptions } from '../connection.ts'
import { addConnectionOptions, connectToRead } from '../connection.ts'
import { collect, parseEntity, parseWholeNumber } from '../option-values.ts'
import { showList } from '../show-list.ts'
import type { Column } from '../table.ts'
import { recordText, tableText, visible } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import { say, sayJson } from '../terminal.ts'

/** As far as it is shown here. */
interface ShownEvent {
  readonly id: string
  readonly position: number | null
  readonly event_name: string
  readonly entity_type: string | null
  readonly entity_id: string | null
  readonly actor: { readonly type: string; readonly id: string; readonly name?: string } | null
  readonly recorded_at: string
}

interface ShownDelivery {
  readonly id: string
  readonly webhook_url: string
  readonly state: string
  readonly reason: string
  readonly attempts: number
}

interface ListOptions extends ConnectionOptions {
  readonly name?: readonly string[]
  readonly entity?: EntityReference
  readonly from?: string
  readonly to?: string
  readonly limit: number
}

const columns: readonly Column<ShownEvent>[] = [
  { title: 'POSITION', value: ({ position }) => position },
  { title: 'RECORDED', value: ({ recorded_at }) => recorded_at },
  { title: 'EVENT', value: ({ event_name }) => event_name },
  { title: 'ENTITY', value: ({ entity_type, entity_id }) => entity_type && `${entity_type}:${entity_id}` },
  { title: 'ACTOR', value: ({ actor }) => actor && `${actor.type}:${actor.name ?? actor.id}` },
  { title: 'ID', value: ({ id }) => id },
]

const deliveryColumns: readonly Column<ShownDelivery>[] = [
  { title: 'DELIVERY', value: ({ id }) => id },
  { title: 'STATE', value: ({ state }) => state },
  { title: 'REASON', value: ({ reason }) => reason },
  { title: 'ATTEMPTS', value: ({ attempts }) => attempts },
  { title: 'URL', value: ({ webhook_url }) => webhook_url },
]

export function addEventsCommand(program: Command, terminal: Terminal): void {
  const events = program.command('events').description('look into the log')
  const list = events
    .command('list', { isDefault: true })
    .description('list events, newest first')
    .option('--name <name>', 'only these, or a prefix such as appointment.*; may be repeated', collect(String))
    .option('--entity <type:id>', 'only about this entity', parseEntity)
    .option('--from <time>', 'RFC 3339, or relative: -30m, -24h, -7d')
    .option('--to <time>', 'like --from; itself not included')
    .option('--limit <number>', 'how many at most', parseWholeNumber(1, 1_000_000), 50)
    .action(async (options: ListOptions) => {
      const { name, entity, from, to, limit, json = false } = options
      await showList<ShownEvent>(terminal, connectToRead(options, terminal.env), json, {
        path: '/events',
        query: { event_names: name, entity_type: entity?.type, entity_id: entity?.id, from, to },
        limit,
        columns,
        none: 'No events',
      })
    })
  const show = events
    .command('show')
    .description('show one event, its payload and its deliveries')
    .argument('<id>')
    .action(async (id: string, options: ConnectionOptions) => {
      const read = connectToRead(options, terminal.env)
      const event = await read<Readonly<Record<string, unknown>>>(`/events/${encodeURIComponent(id)}`)
      if (options.json) sayJson(terminal, event)
      else say(terminal, eventText(terminal, event))
    })
  for (const command of [list, show]) addConnectionOptions(command)
}

function eventText({ stdout }: Terminal, event: Readonly<Record<string, unknown>>): string {
  const { payload, deliveries, ...members } = event
  const parts = [recordText(stdout, members), visible(JSON.stringify(payload, null, 2))]
  if (Array.isArray(deliveries) && deliveries.length > 0) parts.push(tableText(stdout, deliveryColumns, deliveries))
  return parts.join('\n\n')
}

import type { EntityReference, PublishEvent } from '@daybook/sdk'
import type { Command } from 'commander'
import type { ConnectionOptions } from '../connection.ts'
import { addConnectionOptions, connect } from '../connection.ts'
import { collect, parseEntity } from '../option-values.ts'
import { readPayload } from '../read-payload.ts'
import type { Terminal } from '../terminal.ts'
import { say, sayJson } from '../terminal.ts'

interface PublishOptions extends ConnectionOptions {
  readonly entity?: EntityReference
  readonly related?: readonly EntityReference[]
  readonly id?: string
  readonly key?: string
}

export function addPublishCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command('publish')
    .description('publish one event')
    .argument('<event_name>', 'appointment.created')
    .argument('[payload]', 'JSON, or - for standard input, or @file', '{}')
    .option(
      '--entity <type:id>',
      'what it is about; taken from the payload when its definition says where',
      parseEntity,
    )
    .option('--related <type:id>', 'a further entity; may be repeated', collect(parseEntity))
    .option('--id <uuid>', 'its id, a UUID of version 7')
    .option('--key <key>', 'its idempotency key: a second publish with the same key changes nothing')
    .action(async (eventName: string, payload: string, options: PublishOptions) => {
      const client = connect(options, terminal.env)
      const event = toEvent(eventName, await readPayload(payload, terminal.stdin), options)
      const published = await client.events.publish(event)
      if (options.json) return sayJson(terminal, published)
      const { id, event_name, recorded_at, replayed } = published
      say(terminal, `${id}  ${event_name}  ${replayed ? 'was recorded before' : 'recorded'} at ${recorded_at}`)
    })
  addConnectionOptions(command)
}

function toEvent(eventName: string, payload: unknown, { entity, related, id, key }: PublishOptions): PublishEvent {
  return {
    event_name: eventName,
    payload,
    ...(entity && { entity_type: entity.type, entity_id: entity.id }),
    ...(related && { related }),
    ...(id !== undefined && { id }),
    ...(key !== undefined && { idempotency_key: key }),
  }
}

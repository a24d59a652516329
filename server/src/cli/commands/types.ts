import type { Command } from 'commander'
import type { Definition } from '../../contract/definition.ts'
import type { ConnectionOptions } from '../connection.ts'
import { addConnectionOptions, connect } from '../connection.ts'
import type { Terminal } from '../terminal.ts'
import { definitionTypes } from '../types/definition-types.ts'

export function addTypesCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command('types')
    .description('write the payloads of all definitions as TypeScript, for the SDK: daybook types > daybook-events.ts')
    .action(async (options: ConnectionOptions) => {
      const { definitions } = connect(options, terminal.env)
      const found: Pick<Definition, 'event_name' | 'title' | 'description' | 'status' | 'schema'>[] = []
      for await (const { event_name: name } of definitions.list({ limit: 200 })) found.push(await definitions.get(name))
      terminal.stdout.write(definitionTypes(found))
    })
  addConnectionOptions(command)
}

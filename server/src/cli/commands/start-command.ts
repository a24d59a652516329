import type { Command } from 'commander'
import { readConfig } from '../config.ts'
import type { Terminal } from '../terminal.ts'

interface StartOptions {
  readonly roles?: string
  readonly port?: string
  readonly json?: true
}

export function addStartCommand(program: Command, { env }: Terminal): void {
  program
    .command('start')
    .description('run the server until it is told to stop')
    .option('--roles <roles>', 'what this process does: api, router, dispatcher, maintenance (DAYBOOK_ROLES)')
    .option('--port <port>', 'the port to listen on, 0 for any free one (DAYBOOK_PORT)')
    .option('--json', 'when ready, write one line of JSON: url, pid, version, and the API key on the first start')
    .action(async ({ roles, port, json }: StartOptions) => {
      const flags = {
        ...(roles !== undefined && { DAYBOOK_ROLES: roles }),
        ...(port !== undefined && { DAYBOOK_PORT: port }),
      }
      const config = readConfig({ ...env, ...flags })
      // Loaded when needed: the commands that only talk to a server start in a fraction of the time.
      const { start } = await import('./start.ts')
      await start(config, { json: json ?? false })
    })
}

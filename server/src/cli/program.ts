import { Command } from 'commander'
import { addDemoCommand } from './commands/demo.ts'
import { addDoctorCommand } from './commands/doctor.ts'
import { addEventsCommand } from './commands/events.ts'
import { addKeysCommand } from './commands/keys.ts'
import { addLogsCommand } from './commands/logs.ts'
import { addMigrateCommand } from './commands/migrate.ts'
import { addPublishCommand } from './commands/publish.ts'
import { addSchemasCommand } from './commands/schemas.ts'
import { addSetAsideCommand } from './commands/set-aside.ts'
import { addStartCommand } from './commands/start-command.ts'
import { addStatsCommand } from './commands/stats.ts'
import { addSubscriptionsCommand } from './commands/subscriptions.ts'
import { addTimelineCommand } from './commands/timeline.ts'
import { addTypesCommand } from './commands/types.ts'
import { addVaultCommand } from './commands/vault.ts'
import { variables } from './config.ts'
import type { Terminal } from './terminal.ts'
import { version } from './version.ts'

/** The whole command line. `setExitCode` is for commands that end without an error and yet not well. */
export function buildProgram(terminal: Terminal, setExitCode: (code: number) => void): Command {
  const program = new Command('daybook')
    .description('Records business events in one ordered log and posts them as signed webhooks.')
    .version(version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void terminal.stdout.write(text),
      writeErr: (text) => void terminal.stderr.write(text),
      getOutHasColors: () => terminal.stdout.isTTY ?? false,
      getErrHasColors: () => terminal.stderr.isTTY ?? false,
    })
    .showHelpAfterError('(--help tells more)')
  // Commands take over the settings above when they are made.
  addStartCommand(program, terminal)
  addMigrateCommand(program, terminal)
  addPublishCommand(program, terminal)
  addEventsCommand(program, terminal)
  addTimelineCommand(program, terminal)
  addKeysCommand(program, terminal)
  addSchemasCommand(program, terminal, setExitCode)
  addTypesCommand(program, terminal)
  addSubscriptionsCommand(program, terminal)
  addLogsCommand(program, terminal)
  addStatsCommand(program, terminal)
  addVaultCommand(program, terminal, setExitCode)
  addSetAsideCommand(program, terminal)
  addDoctorCommand(program, terminal, setExitCode)
  addDemoCommand(program, terminal, setExitCode)
  program.addHelpText('after', `\n${environmentHelp()}\n\n${exitCodeHelp}`)
  return program
}

function environmentHelp(): string {
  const width = Math.max(...Object.keys(variables).map((name) => name.length))
  const lines = Object.entries(variables).map(([name, text]) => `  ${name.padEnd(width)}  ${text}`)
  return ['Environment variables:', ...lines].join('\n')
}

const exitCodeHelp = `Exit codes:
  0  done
  1  refused by the server, or failed
  2  wrong usage or configuration
  3  the server cannot be reached`

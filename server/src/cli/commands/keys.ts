import type { Command } from 'commander'
import type { ApiKey } from '../../contract/api-key.ts'
import { scopes } from '../../lib/scopes.ts'
import type { ConnectionOptions } from '../connection.ts'
import { addConnectionOptions, connect, connectToRead } from '../connection.ts'
import { collect } from '../option-values.ts'
import { showList } from '../show-list.ts'
import type { Column } from '../table.ts'
import { recordText } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import { say, sayJson } from '../terminal.ts'

type NewApiKey = ApiKey & { readonly key: string }

interface CreateOptions extends ConnectionOptions {
  readonly scope?: readonly string[]
  readonly expiresAt?: string
}

const columns: readonly Column<ApiKey>[] = [
  { title: 'ID', value: ({ id }) => id },
  { title: 'NAME', value: ({ name }) => name },
  { title: 'KEY', value: ({ hint }) => hint },
  { title: 'SCOPES', value: ({ scopes }) => scopes.join(' ') },
  { title: 'CREATED', value: ({ created_at }) => created_at },
  { title: 'EXPIRES', value: ({ expires_at }) => expires_at },
  { title: 'REVOKED', value: ({ revoked_at }) => revoked_at },
]

export function addKeysCommand(program: Command, terminal: Terminal): void {
  const keys = program.command('keys').description('list, make and revoke API keys')
  const list = keys
    .command('list')
    .description('list the keys, newest first')
    .action(async (options: ConnectionOptions) => {
      await showList<ApiKey>(terminal, connectToRead(options, terminal.env), options.json ?? false, {
        path: '/api-keys',
        columns,
        none: 'No keys',
      })
    })
  const create = keys
    .command('create')
    .description('make a key; it is shown once')
    .argument('<name>', 'what it is for')
    .option(
      '--scope <scope>',
      `what it may do (${scopes.join(', ')}); may be repeated; everything when absent`,
      collect(String),
    )
    .option('--expires-at <time>', 'RFC 3339; never when absent')
    .action(async (name: string, options: CreateOptions) => {
      const { scope = ['*'], expiresAt } = options
      const body = { name, scopes: scope, ...(expiresAt !== undefined && { expires_at: expiresAt }) }
      const made = await connect(options, terminal.env).request<NewApiKey>('POST', '/api-keys', { body })
      if (options.json) return sayJson(terminal, made)
      const { key, ...members } = made
      say(terminal, `${recordText(terminal.stdout, members)}\n\nThe key, shown once:\n\n    ${key}\n`)
    })
  const revoke = keys
    .command('revoke')
    .description('end a key; every server refuses it within seconds')
    .argument('<id>', 'as in the list')
    .action(async (id: string, options: ConnectionOptions) => {
      const path = `/api-keys/${encodeURIComponent(id)}`
      const revoked = await connect(options, terminal.env).request<ApiKey>('DELETE', path)
      if (options.json) sayJson(terminal, revoked)
      else say(terminal, recordText(terminal.stdout, revoked))
    })
  for (const command of [list, create, revoke]) addConnectionOptions(command)
}

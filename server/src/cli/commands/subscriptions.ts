import { Option } from 'commander'
import type { Command } from 'commander'
import type { Subscription } from '../../contract/subscription.ts'
import type { ConnectionOptions } from '../connection.ts'
import { addConnectionOptions, connect, connectToRead } from '../connection.ts'
import { UsageError } from '../exit-codes.ts'
import { collect, parseWholeNumber } from '../option-values.ts'
import { showList } from '../show-list.ts'
import type { Column } from '../table.ts'
import { recordText } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import { say, sayJson } from '../terminal.ts'

type WithSecret = Subscription & { readonly secret: string }

interface FieldOptions extends ConnectionOptions {
  readonly event?: readonly string[]
  readonly description?: string
  readonly concurrency?: number
  readonly rate?: number
  readonly timeout?: number
}

const columns: readonly Column<Subscription>[] = [
  { title: 'ID', value: ({ id }) => id },
  { title: 'STATUS', value: ({ status }) => status },
  { title: 'EVENTS', value: ({ event_names }) => event_names.join(' ') },
  { title: 'URL', value: ({ webhook_url }) => webhook_url },
  { title: 'FAILURES', value: ({ failures_in_row }) => failures_in_row },
  { title: 'LAST SUCCESS', value: ({ last_success_at }) => last_success_at },
]

const root = '/events/subscriptions'
const pathOf = (id: string): string => `${root}/${encodeURIComponent(id)}`

export function addSubscriptionsCommand(program: Command, terminal: Terminal): void {
  const subscriptions = program.command('subscriptions').description('who gets which events')
  const show = (options: ConnectionOptions, subscription: Subscription): void => {
    if (options.json) sayJson(terminal, subscription)
    else say(terminal, recordText(terminal.stdout, subscription))
  }
  const showWithSecret = (options: ConnectionOptions, subscription: WithSecret): void => {
    if (options.json) return sayJson(terminal, subscription)
    const { secret, ...members } = subscription
    say(terminal, `${recordText(terminal.stdout, members)}\n\nThe signing secret, shown once:\n\n    ${secret}\n`)
  }

  const list = subscriptions
    .command('list')
    .description('list the subscriptions, newest first')
    .action(async (options: ConnectionOptions) => {
      await showList<Subscription>(terminal, connectToRead(options, terminal.env), options.json ?? false, {
        path: root,
        columns,
        none: 'No subscriptions',
      })
    })
  const create = subscriptions
    .command('create')
    .description('post events to a URL')
    .argument('<url>')
    .option('--inactive', 'post nothing yet')
    .action(async (url: string, options: FieldOptions & { readonly inactive?: true }) => {
      const body = { webhook_url: url, event_names: ['*'], ...fieldsOf(options), active: options.inactive !== true }
      showWithSecret(options, await connect(options, terminal.env).request<WithSecret>('POST', root, { body }))
    })
  const showOne = subscriptions
    .command('show')
    .description('show one')
    .argument('<id>')
    .action(async (id: string, options: ConnectionOptions) => {
      show(options, await connectToRead(options, terminal.env)<Subscription>(pathOf(id)))
    })
  const update = subscriptions
    .command('update')
    .description('change one; what is not given stays')
    .argument('<id>')
    .option('--webhook-url <url>', 'where to post to from now on')
    .action(async (id: string, options: FieldOptions & { readonly webhookUrl?: string }) => {
      const { webhookUrl } = options
      const body = { ...fieldsOf(options), ...(webhookUrl !== undefined && { webhook_url: webhookUrl }) }
      if (Object.keys(body).length === 0) throw new UsageError('Nothing to change was given')
      show(options, await connect(options, terminal.env).request<Subscription>('PATCH', pathOf(id), { body }))
    })
  const remove = subscriptions
    .command('delete')
    .description('end one; what waits for it is not sent')
    .argument('<id>')
    .action(async (id: string, options: ConnectionOptions) => {
      await connect(options, terminal.env).request('DELETE', pathOf(id))
      if (options.json) sayJson(terminal, { id, deleted: true })
      else say(terminal, `${id} deleted`)
    })
  const enable = subscriptions
    .command('enable')
    .description('post again; what waits is due at once')
    .argument('<id>')
    .action(async (id: string, options: ConnectionOptions) => {
      show(options, await connect(options, terminal.env).request<Subscription>('POST', `${pathOf(id)}/enable`))
    })
  const disable = subscriptions
    .command('disable')
    .description('post nothing until enabled')
    .argument('<id>')
    .action(async (id: string, options: ConnectionOptions) => {
      show(options, await connect(options, terminal.env).request<Subscription>('POST', `${pathOf(id)}/disable`))
    })
  const rotate = subscriptions
    .command('rotate-secret')
    .description('make a new signing secret; the old one goes on for a while')
    .argument('<id>')
    .option('--overlap <seconds>', 'for how long calls carry both signatures (86400)', parseWholeNumber(0, 604_800))
    .action(async (id: string, options: ConnectionOptions & { readonly overlap?: number }) => {
      const body = options.overlap === undefined ? {} : { overlap_seconds: options.overlap }
      const path = `${pathOf(id)}/rotate-secret`
      showWithSecret(options, await connect(options, terminal.env).request<WithSecret>('POST', path, { body }))
    })
  for (const command of [create, update]) addFieldOptions(command)
  for (const command of [list, create, showOne, update, remove, enable, disable, rotate]) addConnectionOptions(command)
}

function addFieldOptions(command: Command): void {
  const several = 'a name, a prefix such as appointment.*, or * for every business event; may be repeated'
  command
    .addOption(new Option('--event <name>', several).argParser(collect(String)))
    .addOption(new Option('--description <text>', 'for people'))
    .addOption(new Option('--concurrency <number>', 'calls at once').argParser(parseWholeNumber(1, 256)))
    .addOption(new Option('--timeout <ms>', 'deadline of one call').argParser(parseWholeNumber(1_000, 30_000)))
    .addOption(new Option('--rate <number>', 'calls per second, at most').argParser(parseWholeNumber(1, 10_000)))
}

function fieldsOf({ event, description, concurrency, timeout, rate }: FieldOptions): Readonly<Record<string, unknown>> {
  return {
    ...(event !== undefined && { event_names: event }),
    ...(description !== undefined && { description }),
    ...(concurrency !== undefined && { concurrency }),
    ...(timeout !== undefined && { timeout_ms: timeout }),
    ...(rate !== undefined && { rate_limit: rate }),
  }
}

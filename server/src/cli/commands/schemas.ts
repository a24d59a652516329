import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Option } from 'commander'
import type { Command } from 'commander'
import type { Definition, DefinitionSummary } from '../../contract/definition.ts'
import { documentFormats } from '../../events/import/imported-definition.ts'
import type { DocumentFormat } from '../../events/import/imported-definition.ts'
import { compatibilityModes } from '../../lib/compatibility-modes.ts'
import type { ConnectionOptions } from '../connection.ts'
import { addConnectionOptions, connect, connectToRead } from '../connection.ts'
import { exitCodes, UsageError } from '../exit-codes.ts'
import { listAll } from '../list-all.ts'
import { parseWholeNumber } from '../option-values.ts'
import { formOfStored } from '../schemas/definition-form.ts'
import type { ImportReport } from '../schemas/import-files.ts'
import { canBeApplied, importFiles } from '../schemas/import-files.ts'
import type { FileFinding } from '../schemas/read-definition-files.ts'
import { readDefinitionFiles } from '../schemas/read-definition-files.ts'
import { showList } from '../show-list.ts'
import type { Column } from '../table.ts'
import { recordText, tableText, visible } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import { say, sayJson } from '../terminal.ts'

interface ListOptions extends ConnectionOptions {
  readonly source?: string
  readonly status?: string
  readonly tag?: string
  readonly search?: string
}

interface ImportOptions extends ConnectionOptions {
  readonly apply?: true
  readonly format?: DocumentFormat
  readonly callbacks?: true
  readonly status?: string
  readonly compatibility?: string
}

const root = '/events/schemas'
const pathOf = (eventName: string): string => `${root}/${encodeURIComponent(eventName)}`

const columns: readonly Column<DefinitionSummary>[] = [
  { title: 'EVENT', value: ({ event_name }) => event_name },
  { title: 'SOURCE', value: ({ source }) => source },
  { title: 'STATUS', value: ({ status }) => status },
  { title: 'VERSION', value: ({ version }) => version },
  { title: 'TITLE', value: ({ title }) => title },
]

const importColumns: readonly Column<ImportReport['definitions'][number]>[] = [
  { title: 'EVENT', value: ({ event_name }) => event_name },
  { title: 'OUTCOME', value: ({ outcome }) => outcome },
  { title: 'VERSION', value: ({ version }) => version },
  { title: 'FILE', value: ({ file }) => file },
  { title: 'WHY', value: ({ code }) => code },
]

export function addSchemasCommand(program: Command, terminal: Terminal, setExitCode: (code: number) => void): void {
  const schemas = program.command('schemas').description('what event names mean and what their payloads look like')
  const list = schemas
    .command('list')
    .description('list the definitions, standard ones and your own')
    .addOption(new Option('--source <source>').choices(['standard', 'custom']))
    .addOption(new Option('--status <status>').choices(['draft', 'active', 'deprecated', 'archived']))
    .option('--tag <tag>', 'only those with this tag')
    .option('--search <text>', 'part of a name, a title or a description')
    .action(async (options: ListOptions) => {
      const { source, status, tag, search, json = false } = options
      await showList<DefinitionSummary>(terminal, connectToRead(options, terminal.env), json, {
        path: root,
        query: { source, status, tag, q: search },
        columns,
        none: 'No definitions',
      })
    })
  const get = schemas
    .command('get')
    .description('show one, with its schema')
    .argument('<event_name>')
    .option('--version-number <number>', 'an older version', parseWholeNumber(1, 1_000_000))
    .action(async (eventName: string, options: ConnectionOptions & { readonly versionNumber?: number }) => {
      const read = connectToRead(options, terminal.env)
      const definition = await read<Definition>(pathOf(eventName), { version: options.versionNumber })
      if (options.json) return sayJson(terminal, definition)
      const { schema, ...members } = definition
      say(terminal, `${recordText(terminal.stdout, members)}\n\n${visible(JSON.stringify(schema, null, 2))}`)
    })
  const importCommand = schemas
    .command('import')
    .description(
      'import an OpenAPI or AsyncAPI document, a definition, or a folder of them; without --apply only a trial',
    )
    .argument('<path>')
    .option('--apply', 'write it, unless anything is refused; 200 definitions at a time')
    .addOption(new Option('--format <format>', 'what the documents have to be').choices(documentFormats))
    .option('--callbacks', 'take the callbacks of OpenAPI documents for events too')
    .addOption(new Option('--status <status>', 'of new definitions and of drafts').choices(['draft', 'active']))
    .addOption(new Option('--compatibility <mode>', 'of all of them').choices(compatibilityModes))
    .action(async (path: string, options: ImportOptions) => {
      const { apply = false, format, callbacks = false, status, compatibility, json } = options
      const client = connect(options, terminal.env)
      const files = await readDefinitionFiles(path, { ...(format && { format }), callbacks })
      const wish = { ...(status !== undefined && { status }), ...(compatibility !== undefined && { compatibility }) }
      const report = await importFiles(client, files, wish, apply)
      if (json) sayJson(terminal, report)
      else showReport(terminal, report)
      if (!canBeApplied(report)) setExitCode(exitCodes.failed)
    })
  const exportCommand = schemas
    .command('export')
    .description('write your own definitions to a folder, a file each, as import takes them')
    .argument('<folder>')
    .action(async (folder: string, options: ConnectionOptions) => {
      const read = connectToRead(options, terminal.env)
      await mkdir(folder, { recursive: true }).catch((error: Error) => {
        throw new UsageError(`Cannot be written: ${error.message}`)
      })
      const written: string[] = []
      for await (const { event_name: eventName } of listAll<DefinitionSummary>(read, root, { source: 'custom' })) {
        const definition = await read<Definition>(pathOf(eventName))
        await writeFile(join(folder, `${eventName}.json`), `${JSON.stringify(formOfStored(definition), null, 2)}\n`)
        written.push(eventName)
      }
      if (options.json) sayJson(terminal, { folder, event_names: written })
      else say(terminal, `${written.length} written to ${folder}`)
    })
  for (const command of [list, get, importCommand, exportCommand]) addConnectionOptions(command)
}

function showReport(terminal: Terminal, { applied, definitions, errors, warnings }: ImportReport): void {
  const refused = definitions.flatMap(({ file, code, detail, errors: faults, event_name }) => {
    const reasons = faults.length > 0 ? faults : [{ pointer: '', code, message: detail ?? '' }]
    return code === null
      ? []
      : reasons.map((one) => `  ${file} ${event_name} ${one.pointer} ${one.message} (${one.code})`)
  })
  const parts = [
    ...(definitions.length > 0 ? [tableText(terminal.stdout, importColumns, definitions)] : []),
    ...listed('Errors', [...errors.map(findingText), ...refused]),
    ...listed('Warnings', warnings.map(findingText)),
    conclusion(applied, errors.length + refused.length),
  ]
  say(terminal, parts.join('\n\n'))
}

function findingText({ file, pointer, message, code }: FileFinding): string {
  return `  ${file} ${pointer || '/'} ${message} (${code})`
}

function listed(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [`${title}:\n${lines.map(visible).join('\n')}`]
}

function conclusion(applied: boolean, errors: number): string {
  if (applied) return 'Imported.'
  return errors > 0 ? 'Nothing can be imported until the errors are mended.' : 'Nothing was written; --apply writes it.'
}

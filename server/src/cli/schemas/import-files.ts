import type { DaybookClient } from '@daybook/sdk'
import type { DefinitionImport } from '../../contract/definition-import.ts'
import { formOfImported } from './definition-form.ts'
import type { DefinitionFiles, FileFinding } from './read-definition-files.ts'

export interface ImportReport {
  /** Whether it was written; then everything was. */
  readonly applied: boolean
  readonly definitions: readonly (DefinitionImport['definitions'][number] & { readonly file: string })[]
  readonly errors: readonly FileFinding[]
  readonly warnings: readonly FileFinding[]
}

interface ImportWish {
  readonly status?: string
  readonly compatibility?: string
}

/** The server takes 500 at a time, and bodies of 8 MiB; and what it takes has to be judged within seconds. */
const PART_MAX = 200
const PART_CHARACTERS_MAX = 2 * 1_048_576

/**
 * Asks the server what it would do with the definitions of the files, and, if that is wanted and it would refuse none, has it
 * done. Of files with errors nothing is sent. More than 200 definitions go in parts; all of them are tried before the first
 * is written. Each part is written at once or not at all.
 */
export async function importFiles(
  client: DaybookClient,
  files: DefinitionFiles,
  wish: ImportWish,
  apply: boolean,
): Promise<ImportReport> {
  const { errors, warnings } = files
  if (errors.length > 0) return { applied: false, definitions: [], errors, warnings }
  const parts = inParts(files.definitions)
  const send = async (isDryRun: boolean): Promise<ImportReport> => {
    const reports: Omit<ImportReport, 'warnings'>[] = []
    for (const part of parts) reports.push(await sendPart(client, part, wish, isDryRun))
    return {
      applied: !isDryRun,
      definitions: reports.flatMap((one) => one.definitions),
      errors: reports.flatMap((one) => one.errors),
      warnings,
    }
  }
  const tried = await send(true)
  return apply && canBeApplied(tried) ? await send(false) : tried
}

type Part = DefinitionFiles['definitions']

function inParts(definitions: Part): readonly Part[] {
  const parts: Part[number][][] = []
  let charactersLeft = 0
  for (const one of definitions) {
    const characters = JSON.stringify(one.definition).length
    const last = parts.at(-1)
    charactersLeft -= characters
    if (last && last.length < PART_MAX && charactersLeft >= 0) last.push(one)
    else {
      parts.push([one])
      charactersLeft = PART_CHARACTERS_MAX - characters
    }
  }
  return parts
}

async function sendPart(
  client: DaybookClient,
  part: Part,
  wish: ImportWish,
  isDryRun: boolean,
): Promise<Omit<ImportReport, 'warnings'>> {
  const body = {
    document: { definitions: part.map(({ definition }) => formOfImported(definition)) },
    dry_run: isDryRun,
    ...wish,
  }
  const answer = await client.request<DefinitionImport>('POST', '/events/schemas/import', { body })
  return {
    applied: !isDryRun,
    definitions: answer.definitions.map((one) => ({ ...one, file: fileAt(part, one.pointer) })),
    errors: answer.errors.map((fault) => ({ file: fileAt(part, fault.pointer), ...fault })),
  }
}

export function canBeApplied({ definitions, errors }: Pick<ImportReport, 'definitions' | 'errors'>): boolean {
  return errors.length === 0 && definitions.every(({ outcome }) => outcome !== 'refused')
}

/** The definitions were sent as one list, and the server's pointers lead into that. */
function fileAt(part: Part, pointer: string): string {
  const index = /^\/definitions\/(\d+)/.exec(pointer)?.[1]
  return index === undefined ? '' : (part[Number(index)]?.file ?? '')
}

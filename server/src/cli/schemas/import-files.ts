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

/**
 * Asks the server what it would do with the definitions of the files, and, if that is wanted and it would refuse none, has it
 * done. Of files with errors nothing is sent.
 */
export async function importFiles(
  client: DaybookClient,
  files: DefinitionFiles,
  wish: ImportWish,
  apply: boolean,
): Promise<ImportReport> {
  const { errors, warnings } = files
  if (errors.length > 0) return { applied: false, definitions: [], errors, warnings }
  const send = async (isDryRun: boolean): Promise<ImportReport> => {
    const body = {
      document: { definitions: files.definitions.map(({ definition }) => formOfImported(definition)) },
      dry_run: isDryRun,
      ...wish,
    }
    const answer = await client.request<DefinitionImport>('POST', '/events/schemas/import', { body })
    return {
      applied: !isDryRun,
      definitions: answer.definitions.map((one) => ({ ...one, file: fileAt(files, one.pointer) })),
      errors: answer.errors.map((fault) => ({ file: fileAt(files, fault.pointer), ...fault })),
      warnings,
    }
  }
  const tried = await send(true)
  return apply && canBeApplied(tried) ? await send(false) : tried
}

export function canBeApplied({ definitions, errors }: Omit<ImportReport, 'applied'>): boolean {
  return errors.length === 0 && definitions.every(({ outcome }) => outcome !== 'refused')
}

/** The definitions were sent as one list, and the server's pointers lead into that. */
function fileAt({ definitions }: DefinitionFiles, pointer: string): string {
  const index = /^\/definitions\/(\d+)/.exec(pointer)?.[1]
  return index === undefined ? '' : (definitions[Number(index)]?.file ?? '')
}

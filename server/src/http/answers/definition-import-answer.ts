import type { DefinitionImport } from '../../contract/definition-import.ts'
import type { ImportStep } from '../../events/import/import-definitions.ts'
import type { DefinitionDocument, DocumentFormat } from '../../events/import/imported-definition.ts'

/** A document whose format is known. */
export type KnownDocument = DefinitionDocument & { readonly format: DocumentFormat }

export function definitionImportAnswer(
  { format, faults, warnings }: KnownDocument,
  steps: readonly ImportStep[],
  isDryRun: boolean,
): DefinitionImport {
  return {
    format,
    dry_run: isDryRun,
    definitions: steps.map(({ eventName, pointer, outcome, version, problem }) => ({
      event_name: eventName,
      pointer,
      outcome,
      version,
      code: problem?.code ?? null,
      detail: problem?.message ?? null,
      errors: [...(problem?.faults ?? [])],
    })),
    errors: [...faults],
    warnings: [...warnings],
  }
}

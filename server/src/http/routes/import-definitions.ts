import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { DefinitionImport, DefinitionImportInput } from '../../contract/definition-import.ts'
import { DocumentReader } from '../../events/import/document-reader.ts'
import type { ImportStep } from '../../events/import/import-definitions.ts'
import { importDefinitions as importAll, planImport } from '../../events/import/import-definitions.ts'
import type { DefinitionDocument } from '../../events/import/imported-definition.ts'
import type { Fault } from '../../lib/problems.ts'
import { ProblemError } from '../../lib/problems.ts'
import { authorOf, principalOf } from '../access.ts'
import type { KnownDocument } from '../answers/definition-import-answer.ts'
import { definitionImportAnswer } from '../answers/definition-import-answer.ts'
import { judgingParts, tellOfChange } from '../definition-parts.ts'
import type { HttpParts } from '../http-parts.ts'
import { bodyProblems, keyProblems, problemResponses } from '../problem-responses.ts'
import { bodyLimits } from '../server-options.ts'

export function importDefinitions(parts: HttpParts): FastifyPluginAsyncTypebox {
  const reader = new DocumentReader()
  return async (app) => {
    app.addHook('onClose', async () => await reader.close())
    app.post(
      '/events/schemas/import',
      {
        config: { scope: 'definitions:write' },
        bodyLimit: bodyLimits.document,
        schema: {
          operationId: 'importDefinitions',
          tags: ['definitions'],
          summary: 'Import definitions from OpenAPI, AsyncAPI or files',
          description:
            'Scope: `definitions:write`. Unless `dry_run` is false nothing is written, and the answer tells what would be ' +
            'done. Then all is written at once, or, when anything is refused, nothing.',
          body: DefinitionImportInput,
          response: {
            200: DefinitionImport.ref,
            ...problemResponses(
              ...keyProblems,
              ...bodyProblems,
              'invalid_document',
              'import_refused',
              'definition_limit',
              'too_busy',
            ),
          },
        },
      },
      async (request, reply) => {
        const { companyId } = principalOf(request)
        const { document, format, callbacks, dry_run: isDryRun = true, status, compatibility } = request.body
        const own = judgingParts(parts, reply)
        const options = { ...(format && { format }), ...(callbacks !== undefined && { callbacks }) }
        const read = known(await reader.read(companyId, document, options))
        const wish = { status, compatibility }
        if (isDryRun || read.faults.length > 0) {
          const steps = await planImport(own, companyId, read.definitions, wish)
          if (!isDryRun) throw refused(read, steps)
          return definitionImportAnswer(read, steps, true)
        }
        const author = authorOf(request, parts.clock)
        const steps = await importAll(own, author, companyId, read.definitions, wish)
        if (steps.some(({ problem }) => problem)) throw refused(read, steps)
        if (steps.some(({ outcome }) => outcome !== 'unchanged')) tellOfChange(parts, companyId)
        return definitionImportAnswer(read, steps, false)
      },
    )
  }
}

function known(document: DefinitionDocument): KnownDocument {
  const { format, faults } = document
  if (format !== undefined) return { ...document, format }
  throw withFaults('invalid_document', faults.map(inBody))
}

/** Pointers of a problem lead into the request's body. */
function inBody(fault: Fault): Fault {
  return { ...fault, pointer: `/document${fault.pointer}` }
}

function refused({ faults }: KnownDocument, steps: readonly ImportStep[]): ProblemError {
  const ofSteps = steps.flatMap(faultsOf)
  return withFaults('import_refused', [...faults.map(inBody), ...ofSteps])
}

/** All that stands against a definition. They point to it in the document, and say where in its schema or examples. */
function faultsOf({ eventName, pointer, problem }: ImportStep): readonly Fault[] {
  if (!problem) return []
  const { code, message, faults } = problem
  if (faults.length === 0) return [inBody({ pointer, code, message: `${eventName}: ${message}` })]
  return faults.map((fault) =>
    inBody({ ...fault, pointer, message: `${eventName}, ${fault.pointer || '/'}: ${fault.message}` }),
  )
}

function withFaults(code: 'invalid_document' | 'import_refused', faults: readonly Fault[]): ProblemError {
  const [first] = faults
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more, see errors)` : ''
  return new ProblemError(code, `${first?.pointer ?? ''}: ${first?.message ?? ''}${more}`, faults.slice(0, 100))
}

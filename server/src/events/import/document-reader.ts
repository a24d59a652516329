import { tooCostly } from '../terminable-thread.ts'
import { ThreadTurns } from '../thread-turns.ts'
import type { DefinitionDocument, ReadOptions } from './imported-definition.ts'

export interface ReadingTask {
  /** A text, or what was parsed already. */
  readonly document: unknown
  readonly options: ReadOptions
}

const DEADLINE_MS = 5_000

/** Each may be megabytes. */
const WAITING = { perOwner: 2, total: 16 }

/** For what two megabytes of YAML become while they are parsed. */
const MEMORY = { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 32 }

/**
 * Reads documents of strangers in a thread of its own: one that takes too long or too much memory costs that thread, never the
 * loop that publishes. Companies take turns, see {@link ThreadTurns}; one that has too many waiting is refused with the
 * problem `rate_limited`.
 */
export class DocumentReader {
  readonly #deadlineMs: number
  readonly #thread = new ThreadTurns<ReadingTask, DefinitionDocument>({
    name: 'document',
    url: new URL('./document-thread.ts', import.meta.url),
    memory: MEMORY,
    waiting: WAITING,
    tooMany: 'Too many documents wait to be read',
  })

  constructor({ deadlineMs = DEADLINE_MS }: { readonly deadlineMs?: number } = {}) {
    this.#deadlineMs = deadlineMs
  }

  /** Like `readDefinitionDocument`; a document that cannot be read within the limits has the fault `document_too_costly`. */
  async read(companyId: string, document: unknown, options: ReadOptions): Promise<DefinitionDocument> {
    const read = await this.#thread.ask(companyId, { document, options }, this.#deadlineMs)
    return read === tooCostly ? costly : read
  }

  /** Documents that wait or are being read are refused with the problem `shutting_down`. Safe to call twice. */
  async close(): Promise<void> {
    await this.#thread.close()
  }
}

const costly: DefinitionDocument = {
  format: undefined,
  definitions: [],
  faults: [
    { pointer: '', code: 'document_too_costly', message: 'Takes more time or memory to read than a document may' },
  ],
  warnings: [],
}

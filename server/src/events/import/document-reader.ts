import { ProblemError } from '../../lib/problems.ts'
import { TerminableThread, tooCostly } from '../terminable-thread.ts'
import { TurnQueue } from '../turn-queue.ts'
import type { DefinitionDocument, ReadOptions } from './imported-definition.ts'

export interface ReadingTask {
  /** A text, or what was parsed already. */
  readonly document: unknown
  readonly options: ReadOptions
}

interface Waiting {
  readonly task: ReadingTask
  readonly outcome: PromiseWithResolvers<DefinitionDocument | typeof tooCostly>
}

const DEADLINE_MS = 5_000

/** Each may be megabytes. */
const WAITING = { perOwner: 2, total: 16 }

/** For what two megabytes of YAML become while they are parsed. */
const MEMORY = { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 32 }

/**
 * Reads documents of strangers in a thread of its own, one at a time: one that takes too long or too much memory costs that
 * thread, never the loop that publishes. Companies take turns; one that has too many waiting is refused with the problem
 * `rate_limited`. Starts nothing; the thread starts with the first document and ends when it is not used.
 */
export class DocumentReader {
  readonly #deadlineMs: number
  readonly #waiting = new TurnQueue<Waiting>(WAITING)
  readonly #thread = new TerminableThread<ReadingTask, DefinitionDocument>({
    name: 'document',
    url: new URL('./document-thread.ts', import.meta.url),
    memory: MEMORY,
  })
  #isWorking = false

  constructor({ deadlineMs = DEADLINE_MS }: { readonly deadlineMs?: number } = {}) {
    this.#deadlineMs = deadlineMs
  }

  /** Like `readDefinitionDocument`; a document that cannot be read within the limits has the fault `document_too_costly`. */
  async read(companyId: string, document: unknown, options: ReadOptions): Promise<DefinitionDocument> {
    const outcome = Promise.withResolvers<DefinitionDocument | typeof tooCostly>()
    if (!this.#waiting.add(companyId, { task: { document, options }, outcome })) {
      throw new ProblemError('rate_limited', 'Too many documents wait to be read')
    }
    void this.#work()
    const read = await outcome.promise
    return read === tooCostly ? costly : read
  }

  async #work(): Promise<void> {
    if (this.#isWorking) return
    this.#isWorking = true
    for (let next = this.#waiting.next(); next; next = this.#waiting.next()) {
      try {
        next.outcome.resolve(await this.#thread.ask(next.task, this.#deadlineMs))
      } catch (error) {
        next.outcome.reject(error)
      }
    }
    this.#isWorking = false
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

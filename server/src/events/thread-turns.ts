import { ProblemError } from '../lib/problems.ts'
import { TerminableThread, tooCostly } from './terminable-thread.ts'
import type { ThreadOptions } from './terminable-thread.ts'
import { TurnQueue } from './turn-queue.ts'

interface Options extends ThreadOptions {
  /** How many questions may wait, of one owner and of all together. */
  readonly waiting: { readonly perOwner: number; readonly total: number }
  /** Said to an owner who has more. */
  readonly tooMany: string
}

interface Waiting<Question, Answer> {
  readonly question: Question
  readonly deadlineMs: number
  readonly outcome: PromiseWithResolvers<Answer | typeof tooCostly>
}

/**
 * A thread that many ask: it holds one question at a time, all others wait in this thread, and owners take turns. So what is
 * lost when the thread is terminated is the question that took too long, and nothing else. Starts nothing; the thread starts
 * with the first question and ends when it is not used.
 */
export class ThreadTurns<Question, Answer> {
  readonly #thread: TerminableThread<Question, Answer>
  readonly #queue: TurnQueue<Waiting<Question, Answer>>
  readonly #tooMany: string
  #isClosed = false
  #isWorking = false

  constructor({ waiting, tooMany, ...thread }: Options) {
    this.#thread = new TerminableThread(thread)
    this.#queue = new TurnQueue(waiting)
    this.#tooMany = tooMany
  }

  /**
   * The deadline begins when the question's turn has come. Rejects with the problem `rate_limited` if too many wait, with
   * `shutting_down` when it is closed.
   */
  async ask(owner: string, question: Question, deadlineMs: number): Promise<Answer | typeof tooCostly> {
    if (this.#isClosed) throw shuttingDown()
    const outcome = Promise.withResolvers<Answer | typeof tooCostly>()
    if (!this.#queue.add(owner, { question, deadlineMs, outcome }))
      throw new ProblemError('rate_limited', this.#tooMany)
    void this.#work()
    return await outcome.promise
  }

  /** What waits is refused; what is under way is stopped and refused, too. Safe to call twice. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#thread.stop()
  }

  async #work(): Promise<void> {
    if (this.#isWorking) return
    this.#isWorking = true
    for (let next = this.#queue.next(); next; next = this.#queue.next()) {
      const { question, deadlineMs, outcome } = next
      try {
        const answer = this.#isClosed ? tooCostly : await this.#thread.ask(question, deadlineMs)
        // A thread that is stopped looks as if it had been too slow.
        if (answer === tooCostly && this.#isClosed) throw shuttingDown()
        outcome.resolve(answer)
      } catch (error) {
        // While the thread starts, stopping it is an error.
        outcome.reject(this.#isClosed ? shuttingDown() : error)
      }
    }
    this.#isWorking = false
  }
}

function shuttingDown(): ProblemError {
  return new ProblemError('shutting_down', 'The server is stopping')
}

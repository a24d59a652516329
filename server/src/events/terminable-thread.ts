import { Worker } from 'node:worker_threads'

/** What took too long, or needed more memory than the thread has. */
export const tooCostly = Symbol('too costly')

/** What the thread tells. The first message is that it is ready: what it costs to start counts for no question. */
export type FromThread<Answer> =
  | { readonly type: 'ready' }
  | { readonly type: 'answer'; readonly answer: Answer }
  | { readonly type: 'failed'; readonly message: string; readonly stack: string | undefined }

interface ThreadOptions {
  readonly name: string
  readonly url: URL
  readonly memory: { readonly maxOldGenerationSizeMb: number; readonly maxYoungGenerationSizeMb: number }
}

/** Unused for so long, the thread gives its memory back. */
const IDLE_MS = 60_000

/**
 * A thread that may be terminated at any moment: for what strangers make expensive. It is started when it is needed, and keeps
 * the process alive only while a question is open. One question at a time.
 */
export class TerminableThread<Question, Answer> {
  readonly #options: ThreadOptions
  #worker: Worker | undefined
  #idle: NodeJS.Timeout | undefined

  constructor(options: ThreadOptions) {
    this.#options = options
  }

  /** The deadline begins when the thread is ready. Rejects if the thread cannot start, or fails in a way that it should not. */
  async ask(question: Question, deadlineMs: number): Promise<Answer | typeof tooCostly> {
    clearTimeout(this.#idle)
    const worker = this.#worker ?? (await this.#start())
    worker.ref()
    try {
      const answered = nextMessage<Answer>(worker)
      worker.postMessage(question)
      const message = await withDeadline(answered, deadlineMs)
      if (message !== tooCostly && message.type === 'answer') return message.answer
      await this.stop()
      if (message !== tooCostly && message.type === 'failed') throw this.#revived(message)
      return tooCostly
    } finally {
      worker.unref()
      this.#idle = setTimeout(() => void this.stop(), IDLE_MS).unref()
    }
  }

  /** Safe to call twice, and while a question is open: that one is too costly then. */
  async stop(): Promise<void> {
    clearTimeout(this.#idle)
    const worker = this.#worker
    this.#worker = undefined
    await worker?.terminate()
  }

  async #start(): Promise<Worker> {
    const { name, url, memory } = this.#options
    const worker = new Worker(url, { name, resourceLimits: memory })
    this.#worker = worker
    worker.on('exit', () => {
      if (this.#worker === worker) this.#worker = undefined
    })
    // It is told to whoever waits for an answer.
    worker.on('error', () => {})
    if ((await nextMessage(worker)) === tooCostly) throw new Error(`The thread ${name} ended while it started`)
    return worker
  }

  #revived({ message, stack }: Extract<FromThread<Answer>, { type: 'failed' }>): Error {
    const error = new Error(`The thread ${this.#options.name} failed: ${message}`)
    if (stack !== undefined) error.stack = stack
    return error
  }
}

/** `tooCostly` if the thread ends instead, by its limits or because it was stopped. */
async function nextMessage<Answer>(worker: Worker): Promise<FromThread<Answer> | typeof tooCostly> {
  const { promise, resolve, reject } = Promise.withResolvers<FromThread<Answer> | typeof tooCostly>()
  const onError = (error: unknown): void => {
    if (error instanceof Error && Reflect.get(error, 'code') === 'ERR_WORKER_OUT_OF_MEMORY') resolve(tooCostly)
    else reject(error instanceof Error ? error : new Error(String(error)))
  }
  const onExit = (): void => resolve(tooCostly)
  worker.on('message', resolve).on('error', onError).on('exit', onExit)
  try {
    return await promise
  } finally {
    worker.off('message', resolve).off('error', onError).off('exit', onExit)
  }
}

async function withDeadline<Answer>(answered: Promise<Answer>, deadlineMs: number): Promise<Answer | typeof tooCostly> {
  const { promise, resolve } = Promise.withResolvers<typeof tooCostly>()
  const timer = setTimeout(resolve, deadlineMs, tooCostly)
  try {
    return await Promise.race([answered, promise])
  } finally {
    clearTimeout(timer)
  }
}

import { Worker } from 'node:worker_threads'
import type { FromJudge, JudgeAnswer, JudgeQuestion } from './schema-judge-messages.ts'

/** What took too long, or needed more memory than the thread has. */
export const tooCostly = Symbol('too costly')

/**
 * Never reached: schemas, payloads and steps are bounded. V8 ends some threads that reach it cleanly and with others the whole
 * process, so it is no protection to rely on.
 */
const MEMORY = { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 16 }

/** Unused for so long, the thread gives its memory back. */
const IDLE_MS = 60_000

/**
 * The thread that may be terminated at any moment. It is started when it is needed, and keeps the process alive only while a
 * question is open. One question at a time.
 */
export class JudgeThread {
  #worker: Worker | undefined
  #idle: NodeJS.Timeout | undefined

  /** The deadline begins when the thread is ready. Rejects if the thread cannot start, or fails in a way that it should not. */
  async ask(question: JudgeQuestion, deadlineMs: number): Promise<JudgeAnswer | typeof tooCostly> {
    clearTimeout(this.#idle)
    const worker = this.#worker ?? (await this.#start())
    worker.ref()
    try {
      const answered = message(worker)
      worker.postMessage(question)
      const answer = await withDeadline(answered, deadlineMs)
      if (answer === tooCostly) await this.stop()
      else if (answer.type === 'answer') return answer.answer
      else if (answer.type === 'failed') throw revived(answer)
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
    const url = new URL('./schema-judge-thread.ts', import.meta.url)
    const worker = new Worker(url, { name: 'schema-judge', resourceLimits: MEMORY })
    this.#worker = worker
    worker.on('exit', () => {
      if (this.#worker === worker) this.#worker = undefined
    })
    // It is told to whoever waits for an answer.
    worker.on('error', () => {})
    const first = await message(worker)
    if (first === tooCostly) throw new Error('The thread that judges schemas ended while it started')
    return worker
  }
}

/** The next message; `tooCostly` if the thread ends instead, by its limits or because it was stopped. */
async function message(worker: Worker): Promise<FromJudge | typeof tooCostly> {
  const { promise, resolve, reject } = Promise.withResolvers<FromJudge | typeof tooCostly>()
  const onError = (error: unknown): void => {
    if (isOutOfMemory(error)) resolve(tooCostly)
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

function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY'
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

function revived({ message: text, stack }: Extract<FromJudge, { type: 'failed' }>): Error {
  const error = new Error(`The thread that judges schemas failed: ${text}`)
  if (stack !== undefined) error.stack = stack
  return error
}

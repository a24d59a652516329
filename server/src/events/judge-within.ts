import type { SchemaJudge } from './schema-judge.ts'

/** What can be asked of the judge. */
export type SchemaQuestions = Omit<SchemaJudge, 'close'>

/**
 * The judge for one piece of work that asks it many times, until the signal is aborted: then a question fails with the
 * signal's reason, also one that is open. An open one is still answered in its turn, and nobody hears it.
 */
export function judgeWithin(judge: SchemaQuestions, signal: AbortSignal): SchemaQuestions {
  return {
    check: async (...question) => await within(signal, async () => await judge.check(...question)),
    rehearse: async (...question) => await within(signal, async () => await judge.rehearse(...question)),
    compare: async (...question) => await within(signal, async () => await judge.compare(...question)),
    sample: async (...question) => await within(signal, async () => await judge.sample(...question)),
  }
}

async function within<Answer>(signal: AbortSignal, ask: () => Promise<Answer>): Promise<Answer> {
  signal.throwIfAborted()
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => reject(signal.reason)
  signal.addEventListener('abort', onAbort)
  try {
    return await Promise.race([ask(), aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

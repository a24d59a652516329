/**
 * Judges what companies write as schemas, in a thread of its own with a deadline: a hostile schema costs that thread, never
 * the loop that publishes. Everything about a schema that has not been accepted yet goes through here: whether it may be
 * one, its examples, what it breaks, a rehearsal over stored payloads, a sample.
 *
 * The thread holds one question at a time; all others wait in this thread, companies taking turns. So what is lost when the
 * thread is terminated is the question that took too long, and nothing else.
 */
import { parseStoredJson } from '../lib/json-text.ts'
import { ProblemError } from '../lib/problems.ts'
import type { Fault } from '../lib/problems.ts'
import type { CompatibilityMode, SchemaVersion, VersionIncompatibility } from './schema-compatibility.ts'
import type { FailingText, JudgeAnswer, JudgeQuestion } from './schema-judge-messages.ts'
import { checkSchemaLimits } from './schema-limits.ts'
import { TerminableThread, tooCostly } from './terminable-thread.ts'
import { TurnQueue } from './turn-queue.ts'

/**
 * Never reached: schemas, payloads and steps are bounded. V8 ends some threads that reach it cleanly and with others the whole
 * process, so it is no protection to rely on.
 */
const MEMORY = { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 16 }

/** A question took longer than its deadline, or more memory than the thread has. */
export const SCHEMA_TOO_COSTLY = 'schema_too_costly'

export interface Rehearsal {
  /** `schema_too_costly` if the deadline passed before all texts were judged; else empty. */
  readonly faults: readonly Fault[]
  /** How many texts were judged: the first ones. */
  readonly judged: number
  /** Those that do not fit, by their place in the list that was given. Of a few of them all faults, of others the first. */
  readonly failing: readonly FailingText[]
}

/**
 * Every question names the company that asks: companies take turns, and one that has too many questions waiting is refused
 * with the problem `rate_limited`. Deadlines begin when a question's turn has come.
 */
export interface SchemaJudge {
  /**
   * What keeps a schema and its examples from being accepted: limits, form, patterns, annotations, and whether the examples
   * fit. Pointers lead into `{ schema, examples }`.
   */
  check(
    companyId: string,
    schema: unknown,
    examples: readonly unknown[],
    deadlineMs?: number,
  ): Promise<readonly Fault[]>
  /** Judges stored payloads, JSON texts, by a schema that was checked. */
  rehearse(companyId: string, schema: unknown, texts: readonly string[], deadlineMs?: number): Promise<Rehearsal>
  /** {@link checkCompatibility}; if the deadline passes, one break for both sides with the code `schema_too_costly`. */
  compare(
    companyId: string,
    mode: CompatibilityMode,
    versions: readonly SchemaVersion[],
    next: unknown,
    deadlineMs?: number,
  ): Promise<readonly VersionIncompatibility[]>
  /** {@link samplePayload} of a schema that was checked; undefined also if the deadline passes. */
  sample(companyId: string, schema: unknown, seed?: number, deadlineMs?: number): Promise<unknown>
  /** Questions that wait are refused with the problem `shutting_down`; one under way is stopped. Safe to call twice. */
  close(): Promise<void>
}

const CHECK_MS = 1_000
const REHEARSE_MS = 10_000
const COMPARE_MS = 3_000
const SAMPLE_MS = 2_000

const WAITING = { perOwner: 8, total: 200 }

/** A rehearsal goes to the thread in slices, so that it needs little memory, and others have their turns between them. */
const SLICE_CHARACTERS = 2 * 1024 * 1024
const SLICE_TEXTS = 100

interface Waiting {
  readonly question: JudgeQuestion
  readonly deadlineMs: number
  readonly outcome: PromiseWithResolvers<JudgeAnswer | typeof tooCostly>
}

/** Starts nothing; the thread starts with the first question, and keeps the process alive only while one is open. */
export function createSchemaJudge(): SchemaJudge {
  const thread = new TerminableThread<JudgeQuestion, JudgeAnswer>({
    name: 'schema-judge',
    url: new URL('./schema-judge-thread.ts', import.meta.url),
    memory: MEMORY,
  })
  const queue = new TurnQueue<Waiting>(WAITING)
  let isClosed = false
  let isWorking = false

  async function work(): Promise<void> {
    if (isWorking) return
    isWorking = true
    for (let next = queue.next(); next; next = queue.next()) {
      const { question, deadlineMs, outcome } = next
      try {
        if (isClosed) throw shuttingDown()
        outcome.resolve(await thread.ask(question, deadlineMs))
      } catch (error) {
        // While the thread starts, closing it is an error.
        outcome.reject(isClosed ? shuttingDown() : error)
      }
    }
    isWorking = false
  }

  async function ask(
    companyId: string,
    question: JudgeQuestion,
    deadlineMs: number,
  ): Promise<JudgeAnswer | typeof tooCostly> {
    if (isClosed) throw shuttingDown()
    const outcome = Promise.withResolvers<JudgeAnswer | typeof tooCostly>()
    if (!queue.add(companyId, { question, deadlineMs, outcome })) {
      throw new ProblemError('rate_limited', 'Too many schemas wait to be judged')
    }
    void work()
    return await outcome.promise
  }

  return {
    async check(companyId, schema, examples, deadlineMs = CHECK_MS) {
      // What is far too large is not even sent.
      const limitFaults = checkSchemaLimits(schema)
      if (limitFaults.length > 0) return limitFaults.map((fault) => ({ ...fault, pointer: `/schema${fault.pointer}` }))
      const question = { kind: 'check', schema: JSON.stringify(schema), examples: JSON.stringify(examples) } as const
      const answer = await ask(companyId, question, deadlineMs)
      return answer === tooCostly ? [{ pointer: '/schema', ...costly }] : (answer.faults ?? [])
    },

    async rehearse(companyId, schema, texts, deadlineMs = REHEARSE_MS) {
      const schemaText = JSON.stringify(schema)
      const failing: FailingText[] = []
      let [judged, leftMs] = [0, deadlineMs]
      for (const slice of slices(texts)) {
        const startedAt = performance.now()
        const answer = await ask(companyId, { kind: 'rehearse', schema: schemaText, texts: slice }, Math.max(1, leftMs))
        if (answer === tooCostly) return { faults: [{ pointer: '', ...costly }], judged, failing }
        for (const { index, faults } of answer.failing ?? []) failing.push({ index: judged + index, faults })
        judged += slice.length
        leftMs -= performance.now() - startedAt
      }
      return { faults: [], judged, failing }
    },

    async compare(companyId, mode, versions, next, deadlineMs = COMPARE_MS) {
      const answer = await ask(companyId, { kind: 'compare', mode, versions, next }, deadlineMs)
      if (answer !== tooCostly) return answer.breaks ?? []
      const version = Math.max(0, ...versions.map((one) => one.version))
      return (['producers', 'consumers'] as const).map((breaks) => ({ version, breaks, pointer: '', ...costly }))
    },

    async sample(companyId, schema, seed = 1, deadlineMs = SAMPLE_MS) {
      const answer = await ask(companyId, { kind: 'sample', schema: JSON.stringify(schema), seed }, deadlineMs)
      return answer === tooCostly || answer.sample === undefined ? undefined : parseStoredJson(answer.sample)
    },

    async close() {
      isClosed = true
      await thread.stop()
    },
  }
}

const costly = { code: SCHEMA_TOO_COSTLY, message: 'To judge this schema takes too long' }

function shuttingDown(): ProblemError {
  return new ProblemError('shutting_down', 'The server is stopping')
}

function* slices(texts: readonly string[]): Generator<readonly string[]> {
  let [from, characters] = [0, 0]
  for (const [index, text] of texts.entries()) {
    characters += text.length
    if (index + 1 - from < SLICE_TEXTS && characters < SLICE_CHARACTERS) continue
    yield texts.slice(from, index + 1)
    ;[from, characters] = [index + 1, 0]
  }
  if (from < texts.length) yield texts.slice(from)
}

/**
 * Judges what companies write as schemas, in a thread of its own with a deadline: a hostile schema costs that thread, never
 * the loop that publishes. Everything about a schema that has not been accepted yet goes through here: whether it may be
 * one, its examples, what it breaks, a rehearsal over stored payloads, a sample. Companies take turns, see {@link ThreadTurns}.
 */
import { parseStoredJson } from '../lib/json-text.ts'
import type { Fault } from '../lib/problems.ts'
import type { CompatibilityMode, VersionIncompatibility } from './schema-compatibility.ts'
import type { FailingText, JudgeAnswer, JudgeQuestion, VersionText } from './schema-judge-messages.ts'
import { checkSchemaLimits } from './schema-limits.ts'
import { tooCostly } from './terminable-thread.ts'
import { ThreadTurns } from './thread-turns.ts'

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
 * with the problem `rate_limited`. Deadlines begin when a question's turn has come, and count what the thread works.
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
  /** {@link checkCompatibility} of schemas as JSON texts, which are long: they are parsed in the thread. If the deadline passes, one break for both sides with the code `schema_too_costly`. */
  compare(
    companyId: string,
    mode: CompatibilityMode,
    versions: readonly VersionText[],
    next: string,
    deadlineMs?: number,
  ): Promise<readonly VersionIncompatibility[]>
  /** {@link samplePayload} of a schema that was checked; undefined also if the deadline passes. */
  sample(companyId: string, schema: unknown, seed?: number, deadlineMs?: number): Promise<unknown>
  /** Questions that wait or are under way are refused with the problem `shutting_down`. Safe to call twice. */
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

/** A slice that takes longer ends the rehearsal, so that others do not wait longer for their turn. */
const SLICE_MS = 1_000

/** Starts nothing; the thread starts with the first question, and keeps the process alive only while one is open. */
export function createSchemaJudge(): SchemaJudge {
  const thread = new ThreadTurns<JudgeQuestion, JudgeAnswer>({
    name: 'schema-judge',
    url: new URL('./schema-judge-thread.ts', import.meta.url),
    memory: MEMORY,
    waiting: WAITING,
    tooMany: 'Too many schemas wait to be judged',
  })

  return {
    async check(companyId, schema, examples, deadlineMs = CHECK_MS) {
      // What is far too large is not even sent.
      const limitFaults = checkSchemaLimits(schema)
      if (limitFaults.length > 0) return limitFaults.map((fault) => ({ ...fault, pointer: `/schema${fault.pointer}` }))
      const question = { kind: 'check', schema: JSON.stringify(schema), examples: JSON.stringify(examples) } as const
      const answer = await thread.ask(companyId, question, deadlineMs)
      return answer === tooCostly ? [{ pointer: '/schema', ...costly }] : (answer.faults ?? [])
    },

    async rehearse(companyId, schema, texts, deadlineMs = REHEARSE_MS) {
      const schemaText = JSON.stringify(schema)
      const failing: FailingText[] = []
      let [judged, leftMs] = [0, deadlineMs]
      for (const slice of slices(texts)) {
        if (leftMs <= 0) return incomplete(judged, failing)
        const startedAt = performance.now()
        const question = { kind: 'rehearse', schema: schemaText, texts: slice } as const
        const answer = await thread.ask(companyId, question, Math.min(leftMs, SLICE_MS))
        if (answer === tooCostly) return incomplete(judged, failing)
        for (const { index, faults } of answer.failing ?? []) failing.push({ index: judged + index, faults })
        judged += slice.length
        leftMs -= performance.now() - startedAt
      }
      return { faults: [], judged, failing }
    },

    async compare(companyId, mode, versions, next, deadlineMs = COMPARE_MS) {
      const answer = await thread.ask(companyId, { kind: 'compare', mode, versions, next }, deadlineMs)
      if (answer !== tooCostly) return answer.breaks ?? []
      const version = Math.max(0, ...versions.map((one) => one.version))
      return (['producers', 'consumers'] as const).map((breaks) => ({ version, breaks, pointer: '', ...costly }))
    },

    async sample(companyId, schema, seed = 1, deadlineMs = SAMPLE_MS) {
      const answer = await thread.ask(companyId, { kind: 'sample', schema: JSON.stringify(schema), seed }, deadlineMs)
      return answer === tooCostly || answer.sample === undefined ? undefined : parseStoredJson(answer.sample)
    },

    close: async () => await thread.close(),
  }
}

const costly = { code: SCHEMA_TOO_COSTLY, message: 'To judge this schema takes too long' }

function incomplete(judged: number, failing: readonly FailingText[]): Rehearsal {
  return { faults: [{ pointer: '', ...costly }], judged, failing }
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

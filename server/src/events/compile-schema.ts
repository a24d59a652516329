/**
 * JSON Schema 2020-12 to a function that lists what is wrong with a payload.
 *
 * Keywords and formats that are not known are annotations and do not disturb. Patterns run on RE2: linear in the length of
 * the text; look-around and back-references are refused when the schema is compiled. Formats are the ones below, also linear.
 *
 * For schemas whose author is trusted: size, depth, references, and the time to compile and to judge are not limited here.
 * `custom-schema.ts` is for those that companies write.
 */
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { AnySchema } from 'ajv/dist/2020.js'
import type { RegExpEngine } from 'ajv/dist/types/index.js'
import type { Fault } from '../lib/problems.ts'
import type { Allowance } from './allowance.ts'
import { compileLinearPattern } from './linear-pattern.ts'
import { payloadFormats } from './payload-formats.ts'
import { toFaults } from './schema-faults.ts'

/** The allowance is for schemas that companies wrote; what is spent is taken from it. */
export type ValidatePayload = (payload: unknown, allowance?: Allowance) => readonly Fault[]

export type CompileSchema = (schema: unknown) => ValidatePayload

/** Of a payload with more values than this only the first fault is told. */
const LISTED_VALUES_MAX = 500

/**
 * A compiler with memory of its own: what it compiled lives as long as it does, and two of its schemas cannot have the same
 * `$id`. The compile function throws if the schema is not one.
 *
 * Whether a payload fits is decided up to the first fault. Only when there is one, and the payload is small, all faults are
 * listed: Ajv does that in time quadratic in their number, seconds for a payload of 200 KB.
 */
export function createSchemaCompiler(): CompileSchema {
  const options = {
    strict: false,
    ownProperties: true,
    logger: false,
    formats: Object.fromEntries(payloadFormats),
    code: { regExp: linearPattern },
  } as const
  const decider = mended(new Ajv2020(options))
  let lister: Ajv2020 | undefined
  return (schema) => {
    if (!isSchema(schema)) throw new TypeError('a schema is an object or a boolean')
    // An asynchronous validator answers with a promise, which reads as "valid".
    if (typeof schema === 'object' && '$async' in schema) throw new TypeError('a schema cannot be asynchronous')
    const fits = decider.compile(schema)
    return (payload) => {
      try {
        if (fits(payload)) return noFaults
        if (hasMoreValues(payload, LISTED_VALUES_MAX)) return toFaults(fits.errors ?? [])
        lister ??= mended(new Ajv2020({ ...options, allErrors: true }))
        const list = lister.compile(schema) // remembered by the lister
        list(payload)
        return toFaults(list.errors ?? [])
      } catch {
        return notJudged
      }
    }
  }
}

function hasMoreValues(payload: unknown, limit: number): boolean {
  const open: unknown[] = [payload]
  let count = 0
  while (open.length > 0) {
    const value = open.pop()
    if (++count > limit) return true
    if (typeof value !== 'object' || value === null) continue
    for (const member of Object.values(value)) open.push(member)
  }
  return false
}

const noFaults: readonly Fault[] = Object.freeze([])

/** Ajv throws at some payloads: at equality with a member named `valueOf` that is no function, for one. They do not fit. */
export const NOT_JUDGED = 'not_judged'

const notJudged: readonly Fault[] = Object.freeze([
  { pointer: '', code: NOT_JUDGED, message: 'The definition cannot be compared with this payload' },
])

function isSchema(schema: unknown): schema is AnySchema {
  return typeof schema === 'boolean' || (typeof schema === 'object' && schema !== null && !Array.isArray(schema))
}

/**
 * Ajv keeps one compiled pattern per `toString()` of what the engine returns. Without a text of its own each pattern would
 * be taken for the first one.
 */
const linearPattern: RegExpEngine = Object.assign(
  (pattern: string) => {
    const { test } = compileLinearPattern(pattern)
    return { test, toString: () => pattern }
  },
  { code: 'linearPattern' },
)

/**
 * Ajv 8.20 looks at nothing after `prefixItems` where the list is empty, so `contains` was let through. Here it comes before.
 */
function mended(ajv: Ajv2020): Ajv2020 {
  const definition = ajv.getKeyword('contains')
  if (typeof definition !== 'object') throw new TypeError('Ajv knows no contains')
  return ajv.removeKeyword('contains').addKeyword({ ...definition, before: 'prefixItems' })
}

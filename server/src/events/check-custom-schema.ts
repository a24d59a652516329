import { Ajv2020 } from 'ajv/dist/2020.js'
import type { ValidateFunction } from 'ajv/dist/2020.js'
import { escapePointerToken } from '../lib/json-pointer.ts'
import type { Fault } from '../lib/problems.ts'
import { writtenSchemas } from './child-schemas.ts'
import { compileCustomSchema } from './custom-schema.ts'
import { compileLinearPattern } from './linear-pattern.ts'
import { readAnnotations } from './schema-annotations.ts'
import { toFaults } from './schema-faults.ts'
import { checkSchemaLimits, SCHEMA_COUNT_MAX } from './schema-limits.ts'
import { keysBelow, member } from './schema-node.ts'

const DIALECT = 'https://json-schema.org/draft/2020-12/schema'

/** Takes a tenth of a second to make. */
let validateForm: ValidateFunction | undefined

function compileForm(): ValidateFunction {
  const ajv = new Ajv2020({ strict: false, allErrors: true, logger: false, validateFormats: false })
  const validate = ajv.getSchema(DIALECT)
  if (!validate) throw new Error(`Ajv does not know ${DIALECT}`)
  return validate
}

/** Instructions of all patterns' programs together: they are compiled where events are published, too. */
const PATTERN_SIZE_MAX = 5_000

/**
 * What keeps a company's schema and its examples from being accepted; pointers lead into `{ schema, examples }`. Limits
 * first: what follows may take long for a schema that is beyond them, and can for one that is not.
 */
export function checkCustomSchema(schema: unknown, examples: readonly unknown[]): readonly Fault[] {
  for (const check of [checkSchemaLimits, formFaults, patternFaults, annotationFaults]) {
    const faults = check(schema)
    if (faults.length > 0) return faults.map((fault) => ({ ...fault, pointer: `/schema${fault.pointer}` }))
  }
  const validate = compileCustomSchema(schema)
  return examples.flatMap((example, index) =>
    validate(example).map((fault) => ({ ...fault, pointer: `/examples/${index}${fault.pointer}` })),
  )
}

/** Whether the keywords have the form that the dialect's own schema asks for; one fault for each place. */
function formFaults(schema: unknown): readonly Fault[] {
  validateForm ??= compileForm()
  if (validateForm(schema)) return []
  // The first one of a place is the most telling.
  const places = new Map(
    toFaults(validateForm.errors ?? [])
      .map((fault) => [fault.pointer, fault] as const)
      .toReversed(),
  )
  return [...places.values()].map(({ pointer, message }) => ({ pointer, code: 'invalid_schema', message })).toReversed()
}

function patternFaults(schema: unknown): readonly Fault[] {
  const faults: Fault[] = []
  let size = 0
  const add = (pattern: string, pointer: string): void => {
    try {
      size += compileLinearPattern(pattern).size
    } catch {
      const message = 'Is no expression of ECMA-262 that RE2 knows: look-around and back-references are not taken'
      faults.push({ pointer, code: 'invalid_pattern', message })
    }
  }
  for (const node of writtenSchemas(schema, SCHEMA_COUNT_MAX)) {
    const pattern = member(node.schema, 'pattern')
    if (typeof pattern === 'string') add(pattern, `${node.pointer}/pattern`)
    for (const name of keysBelow(node, 'patternProperties')) {
      add(name, `${node.pointer}/patternProperties/${escapePointerToken(name)}`)
    }
  }
  if (faults.length > 0 || size <= PATTERN_SIZE_MAX) return faults
  return [{ pointer: '', code: 'patterns_too_large', message: 'Its patterns, with their repetitions, are too large' }]
}

function annotationFaults(schema: unknown): readonly Fault[] {
  return readAnnotations(schema).faults
}

import { NOT_JUDGED } from './compile-schema.ts'
import type { ValidatePayload } from './compile-schema.ts'
import { compileCustomSchema } from './custom-schema.ts'
import { plainKeywords } from './plain-keywords.ts'
import { canonicalText, isSchemaObject } from './schema-node.ts'

/**
 * Judges values by a schema's own keywords, schemas below aside, as the validator does: gives the keyword that refuses, or
 * undefined, or `undecided` where the validator itself fails. Remembers what it compiled as long as it lives.
 */
export function createPlainFits(): (schema: unknown, value: unknown) => string | undefined {
  const compiled = new Map<string, ValidatePayload>()
  return (schema, value) => {
    if (!isSchemaObject(schema)) return schema === false ? 'not' : undefined
    const own = Object.fromEntries(Object.entries(schema).filter(([keyword]) => plainKeywords.includes(keyword)))
    const text = canonicalText(own)
    const validate = compiled.get(text) ?? compileCustomSchema(own)
    compiled.set(text, validate)
    const code = validate(value)[0]?.code
    return code === NOT_JUDGED ? 'undecided' : code
  }
}

import { parseStoredJson } from '../lib/json-text.ts'
import { NOT_JUDGED } from './compile-schema.ts'
import type { ValidatePayload } from './compile-schema.ts'
import { compileCustomSchema } from './custom-schema.ts'

export interface SchemaKey {
  readonly companyId: string
  readonly eventName: string
  readonly version: number
}

interface Limits {
  readonly entries: number
  /** Of the schemas' texts together; what is compiled takes a few times as much. */
  readonly characters: number
}

interface Entry {
  readonly schemaText: string
  readonly validate: ValidatePayload
}

/**
 * Compiled custom schemas, those used last kept. A version's schema never changes; should a definition be deleted and made
 * again under its old name, its text tells the two apart.
 */
export class CompiledSchemas {
  readonly #limits: Limits
  /** In the order of their last use, the oldest first. */
  readonly #entries = new Map<string, Entry>()
  #characters = 0

  constructor(limits: Limits = { entries: 2_000, characters: 16 * 1024 * 1024 }) {
    this.#limits = limits
  }

  /** What is held of a version, so that its text need not be read; undefined: {@link get} it. */
  find(key: SchemaKey): ValidatePayload | undefined {
    const held = this.#entries.get(nameOf(key))
    return held && this.get(key, held.schemaText)
  }

  /**
   * Compiles it (milliseconds) unless it is held. The text must be one that the judge accepted; of any other, no payload
   * fits. Does not throw, and neither does what it gives.
   */
  get(key: SchemaKey, schemaText: string): ValidatePayload {
    const name = nameOf(key)
    const held = this.#entries.get(name)
    if (held) this.#forget(name, held)
    const entry = held?.schemaText === schemaText ? held : { schemaText, validate: compileText(schemaText) }
    this.#entries.set(name, entry)
    this.#characters += schemaText.length
    this.#makeRoom()
    return entry.validate
  }

  #makeRoom(): void {
    for (const [name, entry] of this.#entries) {
      if (this.#entries.size <= this.#limits.entries && this.#characters <= this.#limits.characters) return
      this.#forget(name, entry)
    }
  }

  #forget(name: string, { schemaText }: Entry): void {
    this.#entries.delete(name)
    this.#characters -= schemaText.length
  }
}

function nameOf({ companyId, eventName, version }: SchemaKey): string {
  return `${companyId} ${version} ${eventName}`
}

function compileText(schemaText: string): ValidatePayload {
  try {
    return compileCustomSchema(parseStoredJson(schemaText))
  } catch {
    return () => unusable
  }
}

const unusable = [{ pointer: '', code: NOT_JUDGED, message: 'The definition cannot be used' }]

import { parseStoredJson } from '../lib/json-text.ts'
import { NOT_JUDGED } from './compile-schema.ts'
import type { ValidatePayload } from './compile-schema.ts'
import { compileMeasuredSchema } from './custom-schema.ts'
import type { MeasuredSchema } from './custom-schema.ts'

export interface SchemaKey {
  readonly companyId: string
  readonly eventName: string
  readonly version: number
}

/** Of all companies together. */
interface Limits {
  readonly entries: number
  /** As they are estimated. */
  readonly bytes: number
}

const LIMITS: Limits = { entries: 8_000, bytes: 256 * 1024 * 1024 }

/** One company may hold this part of them, and its last schema however large that is. */
const COMPANY_PART = 1 / 4

/** Of a schema, compiled, beside its patterns. Measured: 25 for each character of many small schemas, less for large ones. */
const BYTES_PER_CHARACTER = 25

interface Entry {
  readonly schemaText: string
  readonly compiled: MeasuredSchema
  /** What it counted for when it was used last: what its patterns keep grows meanwhile. */
  bytes: number
}

interface Company {
  /** In the order of their last use, the oldest first. */
  readonly entries: Map<string, Entry>
  bytes: number
}

/**
 * Compiled custom schemas, those used last kept. A company that needs more than its part loses what it used longest ago
 * itself; when all together need more than there is, the company does that published longest ago. A version's schema never
 * changes; should a definition be deleted and made again under its old name, its text tells the two apart.
 */
export class CompiledSchemas {
  readonly #limits: Limits
  /** In the order of their last use, the oldest first. */
  readonly #companies = new Map<string, Company>()
  #entries = 0
  #bytes = 0

  constructor(limits: Limits = LIMITS) {
    this.#limits = limits
  }

  /** What is held of a version, so that its text need not be read; undefined: {@link get} it. */
  find(key: SchemaKey): ValidatePayload | undefined {
    const held = this.#companies.get(key.companyId)?.entries.get(nameOf(key))
    return held && this.get(key, held.schemaText)
  }

  /**
   * Compiles it (milliseconds) unless it is held. The text must be one that the judge accepted; of any other, no payload
   * fits. Does not throw; what it gives throws `too_busy` at most, see {@link compileMeasuredSchema}.
   */
  get(key: SchemaKey, schemaText: string): ValidatePayload {
    const company = this.#companies.get(key.companyId) ?? { entries: new Map<string, Entry>(), bytes: 0 }
    this.#companies.delete(key.companyId)
    this.#companies.set(key.companyId, company)
    const name = nameOf(key)
    const held = company.entries.get(name)
    if (held) this.#forget(company, name, held)
    const compiled = held?.schemaText === schemaText ? held.compiled : compileText(schemaText)
    const bytes = schemaText.length * BYTES_PER_CHARACTER + compiled.patternBytes()
    this.#hold(company, name, { schemaText, compiled, bytes })
    this.#makeRoomIn(company)
    this.#makeRoom()
    return compiled.validate
  }

  #makeRoomIn(company: Company): void {
    const { entries, bytes } = this.#limits
    for (const [name, entry] of company.entries) {
      const isWithin = company.entries.size <= entries * COMPANY_PART && company.bytes <= bytes * COMPANY_PART
      if (isWithin || company.entries.size === 1) return
      this.#forget(company, name, entry)
    }
  }

  #makeRoom(): void {
    const isWithin = (): boolean => this.#entries <= this.#limits.entries && this.#bytes <= this.#limits.bytes
    for (const [id, company] of this.#companies) {
      for (const [name, entry] of company.entries) {
        if (isWithin()) return
        this.#forget(company, name, entry)
      }
      this.#companies.delete(id)
    }
  }

  #hold(company: Company, name: string, entry: Entry): void {
    company.entries.set(name, entry)
    company.bytes += entry.bytes
    this.#bytes += entry.bytes
    this.#entries++
  }

  #forget(company: Company, name: string, entry: Entry): void {
    company.entries.delete(name)
    company.bytes -= entry.bytes
    this.#bytes -= entry.bytes
    this.#entries--
  }
}

function nameOf({ eventName, version }: SchemaKey): string {
  return `${version} ${eventName}`
}

function compileText(schemaText: string): MeasuredSchema {
  try {
    return compileMeasuredSchema(parseStoredJson(schemaText))
  } catch {
    return unusable
  }
}

const unusable: MeasuredSchema = {
  validate: () => [{ pointer: '', code: NOT_JUDGED, message: 'The definition cannot be used' }],
  patternBytes: () => 0,
}

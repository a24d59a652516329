import { compileLinearPattern } from './linear-pattern.ts'
import type { LinearPattern } from './linear-pattern.ts'

/** What all patterns of a schema together may keep of their automata. Those that people write keep a hundredth of it. */
const KEPT_BYTES_MAX = 4 * 1024 * 1024

/** The patterns of one schema, each compiled once, which share the memory that they may have. */
export class SchemaPatterns {
  readonly #compiled = new Map<string, LinearPattern>()

  /** Throws like {@link compileLinearPattern}. */
  compile(pattern: string): LinearPattern {
    const compiled = this.#compiled.get(pattern) ?? compileLinearPattern(pattern)
    this.#compiled.set(pattern, compiled)
    return compiled
  }

  /** To be called once, when all are compiled and before any is tested. */
  shareMemory(): void {
    for (const pattern of this.#compiled.values()) pattern.keepAtMost(KEPT_BYTES_MAX / this.#compiled.size)
  }

  /** What they take in memory now, estimated; it grows with the texts they met, up to a limit. */
  bytes(): number {
    let bytes = 0
    for (const pattern of this.#compiled.values()) bytes += pattern.bytes()
    return bytes
  }
}

import type { Fault } from '../problems.ts'
import { pointerTo } from './filter-path.ts'

/** What one filter may hold. */
export const filterLimits = {
  /** As JSON without white space, in UTF-8. */
  bytes: 16_384,
  /** Values in the whole filter: objects, lists, texts, numbers, true, false and null. */
  values: 500,
  /** Objects and lists in one another, the outermost counted. */
  depth: 16,
  /** Entries of one list. */
  listLength: 200,
  /** UTF-16 units of one text or key. */
  textLength: 1_000,
  /** Keys in one path. */
  pathKeys: 32,
} as const

/**
 * The first limit that a filter breaks; undefined when it keeps all. Looks at no more values than are allowed, so it
 * ends on any input, one that contains itself included.
 */
export function findExcess(filter: unknown): Fault | undefined {
  const waiting: Measured[] = [{ value: filter, pointer: '', depth: 1 }]
  let values = 0
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    values++
    if (values > filterLimits.values) {
      return excess('', 'filter_too_large', `A filter holds at most ${filterLimits.values} values`)
    }
    const fault = excessOf(next)
    if (fault) return fault
    for (const child of childrenOf(next)) waiting.push(child)
  }
  if (Buffer.byteLength(JSON.stringify(filter) ?? '') <= filterLimits.bytes) return undefined
  return excess('', 'filter_too_large', `A filter has at most ${filterLimits.bytes} bytes`)
}

interface Measured {
  readonly value: unknown
  readonly pointer: string
  readonly depth: number
}

function excessOf({ value, pointer, depth }: Measured): Fault | undefined {
  if (typeof value === 'string') return textExcess(value, pointer, 'text')
  if (typeof value !== 'object' || value === null) {
    const isJson = value === null || typeof value === 'boolean' || typeof value === 'number'
    return isJson ? undefined : excess(pointer, 'invalid_operand', 'This is not JSON')
  }
  if (depth > filterLimits.depth) {
    return excess(pointer, 'nesting_too_deep', `A filter is at most ${filterLimits.depth} objects and lists deep`)
  }
  if (Array.isArray(value)) {
    if (value.length <= filterLimits.listLength) return undefined
    return excess(pointer, 'list_too_long', `A list has at most ${filterLimits.listLength} entries`)
  }
  const keys = Object.keys(value)
  if (keys.length > filterLimits.values) {
    return excess(pointer, 'filter_too_large', `A filter holds at most ${filterLimits.values} values`)
  }
  for (const key of keys) {
    const fault = textExcess(key, pointer, 'key')
    if (fault) return fault
  }
  return undefined
}

function childrenOf({ value, pointer, depth }: Measured): Measured[] {
  if (typeof value !== 'object' || value === null) return []
  const entries: [string | number, unknown][] = Array.isArray(value) ? [...value.entries()] : Object.entries(value)
  return entries.map(([key, child]) => ({ value: child, pointer: pointerTo(pointer, key), depth: depth + 1 }))
}

function textExcess(text: string, pointer: string, what: 'text' | 'key'): Fault | undefined {
  if (text.length <= filterLimits.textLength) return undefined
  return excess(pointer, 'text_too_long', `A ${what} in a filter has at most ${filterLimits.textLength} characters`)
}

function excess(pointer: string, code: string, message: string): Fault {
  return { pointer, code, message }
}

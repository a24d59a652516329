/**
 * A filter's anchor: a path of which the filter demands one of a few values. So a filter with an anchor need not be
 * asked about events that have none of them, and of thousands of filters only a few are asked about an event.
 */
import type { FilteredEvent } from './event-fields.ts'
import { isIdField } from './event-fields.ts'
import { followPath, parsePath } from './filter-path.ts'
import { withinPurse } from './purse.ts'

export type AnchorValue = string | number | boolean | null

export interface FilterAnchor {
  /** From `{ fields, payload }`; members of payloads and fields of events. */
  readonly keys: readonly string[]
  readonly values: readonly AnchorValue[]
}

/** Of a filter that compiles. Undefined if no condition of its outermost braces is an equality; then it has to be asked. */
export function anchorOf(filter: unknown): FilterAnchor | undefined {
  let best: FilterAnchor | undefined
  for (const [written, condition] of Object.entries(isObject(filter) ? filter : {})) {
    const keys = keysOf(written)
    const values = keys && valuesOf(condition, isIdField(keys))
    if (keys && values && (!best || values.length < best.values.length)) best = { keys, values }
  }
  return best
}

/** What an event has at an anchor's path; what fulfils an equality there is among it. Undefined where it is too costly to find. */
export function anchorValues(event: FilteredEvent, keys: readonly string[]): readonly unknown[] | undefined {
  return withinPurse((asked) => {
    const found = followPath(asked, keys)
    return Array.isArray(found) ? found : [found]
  }, event)
}

function keysOf(written: string): readonly string[] | undefined {
  if (written.startsWith('$event.')) {
    const inner = parsePath(written.slice('$event.'.length))
    return inner && ['fields', ...inner]
  }
  if (written.startsWith('$')) return undefined
  const inner = parsePath(written)
  return inner && ['payload', ...inner]
}

function valuesOf(condition: unknown, isId: boolean): readonly AnchorValue[] | undefined {
  if (isScalar(condition)) return [asText(condition, isId)]
  if (!isObject(condition) || condition['$ignore_case'] === true) return undefined
  const { $eq, $in } = condition
  if (isScalar($eq)) return [asText($eq, isId)]
  if (Array.isArray($in) && $in.every(isScalar)) return $in.map((value) => asText(value, isId))
  return undefined
}

function asText(value: AnchorValue, isId: boolean): AnchorValue {
  return isId && typeof value === 'number' ? String(value) : value
}

function isScalar(value: unknown): value is AnchorValue {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value)
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

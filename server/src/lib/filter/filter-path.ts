/**
 * Paths of a filter: how they are written, and how they are followed.
 *
 * A filter is read over one object, `{ fields, payload }`; a path is the keys from there. Written, a path is dotted
 * (`service.name`), or a JSON pointer where a key holds a dot, begins with `$` or is empty (`/service.name`, `/$ref`), or
 * the empty pointer, which is the value itself.
 */
import { escapePointerToken, isJsonPointer, parseJsonPointer } from '../json-pointer.ts'
import { spend } from './purse.ts'

/** The keys that a path as it is written leads over; undefined if it is not a path. */
export function parsePath(written: string): readonly string[] | undefined {
  if (written === '' || written.startsWith('/')) return isJsonPointer(written) ? parseJsonPointer(written) : undefined
  const keys = written.split('.')
  return keys.every((key) => key !== '' && !key.startsWith('$')) ? keys : undefined
}

/** A path as people write it: `service.name`, `/a.b/c`, `$event.actor.type`. */
export function showPath(keys: readonly string[]): string {
  const [root, ...inner] = keys
  if (root === 'fields') return ['$event', ...inner].join('.')
  const isPlain = inner.every((key) => key !== '' && !/^[$/]|\./.test(key))
  return isPlain ? inner.join('.') : pointerOf(inner)
}

/** The pointer to a member or an entry of what `pointer` points to. */
export function pointerTo(pointer: string, key: string | number): string {
  return `${pointer}/${escapePointerToken(String(key))}`
}

function pointerOf(keys: readonly string[]): string {
  return keys.reduce(pointerTo, '')
}

const listIndex = /^(?:0|[1-9][0-9]{0,8})$/

/**
 * What a path leads to; undefined if to nothing. A list on the way is followed into every entry, unless the next key is
 * an index, and then the answer is the list of all that was found: the entries of lists at the end, other values as they
 * are. A list directly within a list is not followed. Own properties only. Every key and every entry is paid for.
 */
export function followPath(value: unknown, keys: readonly string[], from = 0): unknown {
  let at = value
  for (let index = from; index < keys.length; index++) {
    if (typeof at !== 'object' || at === null) return undefined
    const key = keys[index] ?? ''
    spend(1)
    if (Array.isArray(at) && !listIndex.test(key)) return followIntoEntries(at, keys, index)
    at = Object.hasOwn(at, key) ? (at as Readonly<Record<string, unknown>>)[key] : undefined
  }
  return at
}

/** Each call has one key less before it, so it recurses no deeper than the path is long. */
function followIntoEntries(list: readonly unknown[], keys: readonly string[], from: number): unknown {
  let found: unknown[] | undefined
  for (const entry of list) {
    spend(1)
    const inner = Array.isArray(entry) ? undefined : followPath(entry, keys, from)
    if (inner === undefined) continue
    found ??= []
    if (!Array.isArray(inner)) {
      found.push(inner)
      continue
    }
    spend(inner.length >> 1)
    for (const each of inner) found.push(each)
  }
  return found
}

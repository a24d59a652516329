/** JSON pointers, RFC 6901. */

const pointerForm = /^(?:\/(?:[^~/]|~[01])*)*$/

export function isJsonPointer(text: string): boolean {
  return pointerForm.test(text)
}

/** A key as a reference token. */
export function escapePointerToken(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1')
}

/** The keys and indexes of a well-formed pointer. */
export function parseJsonPointer(pointer: string): readonly string[] {
  const tokens = pointer.split('/').slice(1)
  return pointer.includes('~') ? tokens.map(unescapeToken) : tokens
}

/** The keys of a reference that is a pointer as the fragment of a URI (RFC 6901, section 6); undefined if it is none. */
export function parsePointerFragment(reference: string): readonly string[] | undefined {
  if (!/^#(?:\/|$)/.test(reference)) return undefined
  try {
    return reference.split('/').slice(1).map(decodeURIComponent).map(unescapeToken)
  } catch {
    return undefined // no percent-encoded UTF-8
  }
}

function unescapeToken(token: string): string {
  return token.replaceAll('~1', '/').replaceAll('~0', '~')
}

const arrayIndex = /^(?:0|[1-9][0-9]*)$/

/** The value that the keys lead to; undefined if there is none. Own properties only. */
export function valueAt(value: unknown, keys: readonly string[]): unknown {
  let at = value
  for (const key of keys) {
    if (typeof at !== 'object' || at === null) return undefined
    if (Array.isArray(at) && !arrayIndex.test(key)) return undefined
    at = Object.hasOwn(at, key) ? Reflect.get(at, key) : undefined
  }
  return at
}

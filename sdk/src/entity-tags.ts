const tags = new WeakMap<object, string>()

/** Keeps the version that an answer has beside it, in its header `etag`. */
export function rememberTag(answer: unknown, tag: string | null): void {
  if (tag !== null && typeof answer === 'object' && answer !== null) tags.set(answer, tag)
}

/** The tag that came with an answer; a text is one itself. Throws a TypeError for an object that came without one, a copy too. */
export function tagOf(read: object | string): string {
  const tag = typeof read === 'string' ? read : tags.get(read)
  if (tag === undefined)
    throw new TypeError('ifMatch is what a method of the client answered, itself and not a copy, or a tag')
  return tag
}

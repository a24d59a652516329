/** How a method of the client becomes a request, and its answer a value. */
export interface Route {
  readonly verb: string
  /** From the root of the server, with `{name}` where an argument stands. */
  readonly path: string
  /** What the argument after those of the path is. */
  readonly takes: 'query' | 'body' | 'nothing'
  /** `bytes` are handed on as they come; of a `list`, pages are fetched as they are wanted. */
  readonly answer: 'json' | 'list' | 'text' | 'bytes' | 'nothing'
  /** Sent twice, it does no more than once. */
  readonly isRepeatable: boolean
}

/** The path with the arguments in it. Throws a TypeError for one that would make it another route's. */
export function pathWith(path: string, values: readonly unknown[]): string {
  let index = 0
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[index++]
    // A URL takes dots as steps to other folders, encoded ones too.
    if (typeof value !== 'string' || value === '' || value === '.' || value === '..') {
      throw new TypeError(`${name} is a text that is not empty, and no dots`)
    }
    return encodeURIComponent(value)
  })
}

/** How many arguments the path takes. */
export function countNames(path: string): number {
  return path.split('{').length - 1
}

/**
 * The grammar of event names and of the patterns by which subscriptions and readers choose them.
 *
 *     name     = segment *5( "." segment )          at most 128 characters
 *     segment  = 1*( "a"-"z" / "0"-"9" / "_" / "-" )
 *     pattern  = name / "*" / name ".*"             at most 128 characters, six segments with the star
 *
 * `daybook` and what lies below it is reserved for facts about Daybook itself. `*` leaves those out: they have to be named.
 */
export const EVENT_NAME_LENGTH_MAX = 128

const namePattern = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+){0,5}$/
const prefixPattern = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+){0,4}\.\*$/

export function isEventName(text: string): boolean {
  return text.length <= EVENT_NAME_LENGTH_MAX && namePattern.test(text)
}

/** Whether only Daybook may write events of this name. */
export function isReservedEventName(name: string): boolean {
  return name === 'daybook' || name.startsWith('daybook.')
}

export function isEventNamePattern(text: string): boolean {
  return text === '*' || isEventName(text) || (text.length <= EVENT_NAME_LENGTH_MAX && prefixPattern.test(text))
}

/**
 * Whether a well-formed pattern chooses a well-formed name: `*` every name that is not reserved, `appointment.*` every name
 * below `appointment` at any depth but not `appointment` itself, any other pattern its own name.
 */
export function matchesEventName(pattern: string, name: string): boolean {
  if (pattern === '*') return !isReservedEventName(name)
  if (pattern.endsWith('.*')) return name.startsWith(pattern.slice(0, -1))
  return pattern === name
}

/**
 * The known name that a mistyped one most probably meant, the first of equals; undefined when none is near. Near is one
 * typing error in four characters and two at most (`updated` is three away from `created`); an error is a character too
 * many, missing or wrong, or two neighbours swapped.
 */
export function nearestEventName(name: string, known: Iterable<string>): string | undefined {
  let nearest: string | undefined
  let limit = Math.min(Math.floor(name.length / 4), 2)
  for (const candidate of known) {
    if (Math.abs(candidate.length - name.length) > limit) continue
    const distance = editDistance(name, candidate, limit)
    if (distance > limit) continue
    if (distance === 0) return candidate
    nearest = candidate
    limit = distance - 1
  }
  return nearest
}

/**
 * Optimal string alignment: Levenshtein's distance where swapping two neighbours counts once. Infinity if it is above the
 * limit: of the table only the cells are filled that lie so near to the diagonal, and no further row once all of one are
 * above it.
 */
function editDistance(from: string, to: string, limit: number): number {
  // Row i holds the distances of the first i characters of `from` to the first i - limit to i + limit ones of `to`, between
  // two cells that are above the limit. Whole numbers only, and no index outside: that is ten times as fast.
  const above = limit + 1
  let beforePrevious: readonly number[] = []
  let previous: readonly number[] = Array.from({ length: 2 * limit + 3 }, (_, band) => Math.abs(band - above))
  for (let i = 1; i <= from.length; i++) {
    const row = [above]
    let least = above
    for (let band = 1; band <= 2 * limit + 1; band++) {
      const j = i + band - above
      let distance = j === 0 ? i : above
      if (j > 0 && j <= to.length) {
        const replaced = at(previous, band) + (from.charCodeAt(i - 1) === to.charCodeAt(j - 1) ? 0 : 1)
        distance = Math.min(replaced, at(previous, band + 1) + 1, at(row, band - 1) + 1)
        if (isSwap(from, i, to, j)) distance = Math.min(distance, at(beforePrevious, band) + 1)
      }
      row.push(distance)
      least = Math.min(least, distance)
    }
    if (least > limit) return Infinity
    row.push(above)
    beforePrevious = previous
    previous = row
  }
  return at(previous, to.length - from.length + above)
}

/** Whether the last two of the first i characters are the last two of the first j, the other way round. */
function isSwap(from: string, i: number, to: string, j: number): boolean {
  if (i < 2 || j < 2 || from.charCodeAt(i - 1) !== to.charCodeAt(j - 2)) return false
  return from.charCodeAt(i - 2) === to.charCodeAt(j - 1)
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Infinity
}

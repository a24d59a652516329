import { spend } from './purse.ts'

/**
 * Whether a text holds a part, in time linear in the text. `includes` is quick for the usual text, but for some it
 * compares nearly the whole part at every place; that is harmless for a short part only.
 */
export function textSearch(part: string): (text: string) => boolean {
  if (part.length <= shortLength) {
    return (text) => {
      spend(text.length >> 5)
      return text.includes(part)
    }
  }
  const borders = bordersOf(part)
  return (text) => {
    spend(text.length >> 4)
    let matched = 0
    for (let at = 0; at < text.length; at++) {
      matched = nextMatched(part, borders, matched, text.charCodeAt(at))
      if (matched === part.length) return true
    }
    return false
  }
}

const shortLength = 16

/** By length of a beginning of the part: the length of its longest proper beginning that is its end too (Knuth, Morris, Pratt). */
function bordersOf(part: string): Uint32Array {
  const borders = new Uint32Array(part.length + 1)
  for (let length = 1; length < part.length; length++) {
    borders[length + 1] = nextMatched(part, borders, borders[length] ?? 0, part.charCodeAt(length))
  }
  return borders
}

/** How much of the part has been read after one unit more, when `matched` had been: less than the whole part. */
function nextMatched(part: string, borders: Uint32Array, matched: number, unit: number): number {
  let length = matched
  while (length > 0 && part.charCodeAt(length) !== unit) length = borders[length] ?? 0
  return part.charCodeAt(length) === unit ? length + 1 : 0
}

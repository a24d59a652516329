/** Numbers in [0, 1). The same seed gives the same numbers, on every machine. */
export type Random = () => number

/** Marsaglia's xorshift with 128 bits of state. Not for secrets. */
export function seededRandom(seed: number): Random {
  // A linear congruential generator spreads the seed, so that seeds 1 and 2 begin far apart; the state is never all zero.
  let spread = seed >>> 0
  const next = (): number => (spread = (Math.imul(spread, 1_664_525) + 1_013_904_223) >>> 0)
  let [x, y, z, w] = [next(), next(), next(), next() | 1]
  const random = (): number => {
    const t = x ^ (x << 11)
    ;[x, y, z] = [y, z, w]
    w = (w ^ (w >>> 19) ^ t ^ (t >>> 8)) >>> 0
    return w / 2 ** 32
  }
  for (let round = 0; round < 16; round++) random()
  return random
}

/** A whole number, both ends included. */
export function between(random: Random, least: number, most: number): number {
  return least + Math.floor(random() * (most - least + 1))
}

export function chance(random: Random, share: number): boolean {
  return random() < share
}

export function pick<Item>(random: Random, items: readonly Item[]): Item {
  const item = items[between(random, 0, items.length - 1)]
  if (item === undefined) throw new RangeError('Nothing to pick from')
  return item
}

/** One of the items, each as often as its weight says. */
export function pickWeighted<Item>(random: Random, weighted: readonly (readonly [Item, number])[]): Item {
  let left = random() * weighted.reduce((sum, [, weight]) => sum + weight, 0)
  for (const [item, weight] of weighted) {
    left -= weight
    if (left < 0) return item
  }
  throw new RangeError('No weight is positive')
}

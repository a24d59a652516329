import type { Subscription } from './subscription-set.ts'

/** One list of several, each in the order of the ids; what stands in more than one is in it once. A single one is given back as it is. */
export function mergeById(lists: readonly (readonly Subscription[])[]): readonly Subscription[] {
  const filled = lists.filter((list) => list.length > 0)
  const [first = [], ...others] = filled
  return others.reduce(mergeTwo, first)
}

/** The places of the few are looked up among the many; comparing each of a hundred thousand ids would take longer than all else. */
function mergeTwo(one: readonly Subscription[], other: readonly Subscription[]): readonly Subscription[] {
  const [many, few] = one.length < other.length ? [other, one] : [one, other]
  const merged: Subscription[] = []
  let taken = 0
  for (const next of few) {
    const place = placeOf(next.id, many, taken)
    for (; taken < place; taken++) merged.push(many[taken] ?? next)
    if (many[place]?.id !== next.id) merged.push(next)
  }
  return taken < many.length ? merged.concat(many.slice(taken)) : merged
}

/** Of the first that does not come before the id. */
function placeOf(id: string, list: readonly Subscription[], from: number): number {
  let [low, high] = [from, list.length]
  while (low < high) {
    const middle = (low + high) >> 1
    const at = list[middle]
    if (at && at.id < id) low = middle + 1
    else high = middle
  }
  return low
}

export function byId(a: Subscription, b: Subscription): number {
  return a.id < b.id ? -1 : 1
}

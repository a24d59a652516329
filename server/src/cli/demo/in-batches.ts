import type { Random } from './random.ts'
import { between, chance } from './random.ts'

/** As publishers send them: mostly one by one, often a few together, now and then a longer list. */
export function* inBatches<Item>(items: Iterable<Item>, random: Random): Generator<readonly Item[], void> {
  let batch: Item[] = []
  let size = 1
  for (const item of items) {
    batch.push(item)
    if (batch.length < size) continue
    yield batch
    batch = []
    size = nextSize(random)
  }
  if (batch.length > 0) yield batch
}

function nextSize(random: Random): number {
  if (chance(random, 0.6)) return 1
  return chance(random, 0.85) ? between(random, 2, 10) : between(random, 11, 40)
}

import type { Check } from './judging.ts'
import { paidText } from './judging-of-plain-values.ts'
import { below, listBelow, member } from './schema-node.ts'
import type { SchemaNode } from './schema-node.ts'

/** What the keywords of arrays ask; `unevaluatedItems` is for the end, when all others have looked. */
export function arrayChecks(node: SchemaNode, compile: (node: SchemaNode) => Check): readonly Check[] {
  const { schema } = node
  const checks: Check[] = []
  const [least, most] = [member(schema, 'minItems'), member(schema, 'maxItems')]
  if (typeof least === 'number') {
    checks.push(
      ofArrays(
        (items, place, judging) => items.length >= least || judging.violation(place, 'minItems', { limit: least }),
      ),
    )
  }
  if (typeof most === 'number') {
    checks.push(
      ofArrays(
        (items, place, judging) => items.length <= most || judging.violation(place, 'maxItems', { limit: most }),
      ),
    )
  }
  if (member(schema, 'uniqueItems') === true) {
    checks.push(
      ofArrays((items, place, judging) => {
        const texts = new Set(items.map((item) => paidText(item, judging)))
        return texts.size === items.length || judging.violation(place, 'uniqueItems')
      }),
    )
  }
  const itemsCheck = checkOfItems(node, compile)
  const containsCheck = checkOfContains(node, compile)
  return [...checks, ...(itemsCheck ? [itemsCheck] : []), ...(containsCheck ? [containsCheck] : [])]
}

type ArrayCheck = (items: readonly unknown[], ...rest: Rest) => boolean
type Rest = Parameters<Check> extends [unknown, ...infer Others] ? Others : never

function ofArrays(check: ArrayCheck): Check {
  return (value, ...rest) => !Array.isArray(value) || check(value, ...rest)
}

function checkOfItems(node: SchemaNode, compile: (node: SchemaNode) => Check): Check | undefined {
  const first = listBelow(node, 'prefixItems').map(compile)
  const others = below(node, 'items')
  if (first.length === 0 && !others) return undefined
  const other = others && compile(others)
  const isClosed = others?.schema === false && first.length > 0
  return ofArrays((items, place, judging, seen) => {
    if (isClosed && items.length > first.length) {
      judging.violation(place, 'items')
      if (!judging.lists) return false
    }
    const count = other && !isClosed ? items.length : Math.min(items.length, first.length)
    let fits = !isClosed || items.length <= first.length
    for (let index = 0; index < count; index++) {
      const check = first[index] ?? other
      if (!check || check(items[index], judging.below(place, index), judging, undefined)) continue
      if (!judging.lists) return false
      fits = false
    }
    if (seen) for (let index = 0; index < count; index++) seen.addIndex(index, judging)
    return fits
  })
}

function checkOfContains(node: SchemaNode, compile: (node: SchemaNode) => Check): Check | undefined {
  const wanted = below(node, 'contains')
  if (!wanted) return undefined
  const check = compile(wanted)
  const [least, most] = [member(node.schema, 'minContains') ?? 1, member(node.schema, 'maxContains')]
  const params = { minContains: least, ...(most !== undefined && { maxContains: most }) }
  const keeps = (count: number) =>
    !(typeof least === 'number' && count < least) && !(typeof most === 'number' && count > most)
  return ofArrays((items, place, judging, seen) => {
    let count = 0
    for (const [index, item] of items.entries()) {
      judging.pay(1)
      if (!judging.fitsQuietly(check, item, undefined)) continue
      count++
      seen?.addIndex(index, judging)
    }
    return keeps(count) || judging.violation(place, 'contains', params)
  })
}

export function unevaluatedItemsCheck(node: SchemaNode, compile: (node: SchemaNode) => Check): Check | undefined {
  const left = below(node, 'unevaluatedItems')
  if (!left) return undefined
  const check = compile(left)
  return ofArrays((items, place, judging, seen) => {
    let fits = true
    for (const [index, item] of items.entries()) {
      judging.pay(1)
      if (seen?.hasIndex(index)) continue
      if (left.schema === false) return judging.violation(place, 'unevaluatedItems')
      if (check(item, judging.below(place, index), judging, undefined)) continue
      if (!judging.lists) return false
      fits = false
    }
    if (seen) for (const index of items.keys()) seen.addIndex(index, judging)
    return fits
  })
}

import { gapAt } from './inclusion-check.ts'
import type { Demand, Gap } from './inclusion-check.ts'
import { keepsLimit } from './inclusion-of-plain-values.ts'
import { haveSameMeaning } from './same-meaning.ts'
import { below, listBelow, member } from './schema-node.ts'
import type { SchemaNode } from './schema-node.ts'

/** What the keywords of arrays demand beyond the facts. */
export function arrayGaps({ facts, types, part, check }: Demand): readonly Gap[] {
  if (!types.has('array')) return []
  const gaps: Gap[] = []
  for (const keyword of ['minItems', 'maxItems']) {
    const limit = member(part.schema, keyword)
    if (typeof limit === 'number' && !keepsItemsLimit(facts, keyword, limit)) gaps.push(gapAt(part, keyword, limit))
  }
  if (member(part.schema, 'uniqueItems') === true) {
    const isKept = facts.some(({ schema }) => member(schema, 'uniqueItems') === true)
    if (!isKept && !keepsItemsLimit(facts, 'maxItems', 1)) gaps.push(gapAt(part, 'uniqueItems', true))
  }
  // From `last` on all items are treated alike, by both sides.
  const last = Math.max(0, ...[part, ...facts].map((node) => listBelow(node, 'prefixItems').length))
  for (let index = 0; index <= last; index++) {
    if (keepsItemsLimit(facts, 'maxItems', index)) break
    const demanded = itemAt(part, index)
    if (demanded) gaps.push(...check.gapsBelow(itemsAt(facts, index), demanded))
  }
  const contains = below(part, 'contains')
  if (contains && !facts.some((fact) => haveSameMeaning(fact, part, ['contains', 'minContains', 'maxContains']))) {
    const [least, most] = [member(part.schema, 'minContains') ?? 1, member(part.schema, 'maxContains')]
    const isFew = typeof most !== 'number' || keepsItemsLimit(facts, 'maxItems', most)
    const isMany = typeof least === 'number' && (least === 0 || holdsAtLeast(least, contains))
    if (!isFew || !isMany) {
      const demand = '`contains` cannot be derived from the other version'
      gaps.push({ code: 'undecided', pointer: contains.pointer, demand })
    }
  }
  return gaps

  function holdsAtLeast(least: number, contains: SchemaNode): boolean {
    if (!keepsItemsLimit(facts, 'minItems', least)) return false
    for (let index = 0; index <= Math.min(least - 1, last); index++) {
      if (check.gapsBelow(itemsAt(facts, index), contains).length > 0) return false
    }
    return true
  }
}

function keepsItemsLimit(facts: readonly SchemaNode[], keyword: string, limit: number): boolean {
  if (keyword === 'minItems' && limit <= 0) return true
  if (keepsLimit(facts, keyword, limit)) return true
  // A closed tuple is no longer than its list.
  return (
    keyword === 'maxItems' &&
    facts.some((fact) => member(fact.schema, 'items') === false && listBelow(fact, 'prefixItems').length <= limit)
  )
}

function itemAt(node: SchemaNode, index: number): SchemaNode | undefined {
  return below(node, 'prefixItems', index) ?? below(node, 'items')
}

function itemsAt(facts: readonly SchemaNode[], index: number): readonly SchemaNode[] {
  return facts.flatMap((fact) => itemAt(fact, index) ?? [])
}

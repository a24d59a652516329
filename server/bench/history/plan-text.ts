/** A plan as `explain (format json)` gives it. */
export interface PlanNode {
  readonly 'Node Type': string
  readonly Strategy?: string
  readonly 'Join Type'?: string
  readonly 'Scan Direction'?: string
  readonly 'Index Name'?: string
  readonly 'Relation Name'?: string
  readonly 'Function Name'?: string
  readonly 'CTE Name'?: string
  readonly 'Subplan Name'?: string
  readonly Plans?: readonly PlanNode[]
}

/**
 * The plan as lines: nodes, tables and indexes, and nothing that differs from one database to another of the same size. Of
 * the months of a partitioned table those that are read alike are told once.
 */
export function planText(node: PlanNode, depth = 0): string {
  const below = (node.Plans ?? []).map((one) => planText(one, depth + 1))
  const told = isOverMonths(node) ? [...new Set(below)].sort() : below
  return [`${'  '.repeat(depth)}${titleOf(node)}`, ...told].join('\n')
}

function isOverMonths(node: PlanNode): boolean {
  return node['Node Type'] === 'Append' || node['Node Type'] === 'Merge Append'
}

function titleOf(node: PlanNode): string {
  const direction = node['Scan Direction'] === 'Backward' ? ' Backward' : ''
  const join = node['Join Type'] === undefined || node['Join Type'] === 'Inner' ? '' : ` ${node['Join Type']}`
  const strategy = node.Strategy === undefined || node.Strategy === 'Plain' ? '' : ` (${node.Strategy.toLowerCase()})`
  const index = node['Index Name'] === undefined ? '' : ` using ${node['Index Name']}`
  const source = node['Relation Name'] ?? node['Function Name'] ?? node['CTE Name']
  const subplan = node['Subplan Name'] === undefined ? '' : `${node['Subplan Name']}: `
  const text = `${subplan}${node['Node Type']}${direction}${join}${strategy}${index}${source === undefined ? '' : ` on ${source}`}`
  return text.replaceAll(/_\d{4}_\d{2}(?=_|$|\s)/g, '_<month>')
}

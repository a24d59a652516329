/** The plans that statements get at full size, as they are committed. */

/** By the name of the statement: the plans that it gets, by its parameters. */
export type Plans = ReadonlyMap<string, readonly string[]>

const heading = `Plans of the statements behind history, timeline, statistics and audit, as the role daybook_api gets them at 5 million
events on PostgreSQL 18: nodes, tables and indexes. A statement that is planned in several ways, by its parameters, has
several plans. Sequential scans are of months without a row, and of tables with few.
\`npm run bench -- --only history\` compares them; with DAYBOOK_UPDATE=1 it writes them anew.
`

const OR = '\n-- or\n'

export function renderPlans(plans: Plans): string {
  const parts = [...plans]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, texts]) => `-- ${name}\n${[...texts].sort().join(OR)}\n`)
  return [heading, ...parts].join('\n')
}

export function parsePlans(text: string): Plans {
  const [, ...parts] = `\n${text}`.split(/\n\n-- /)
  return new Map(
    parts.map((part) => {
      const end = part.indexOf('\n')
      return [
        part.slice(0, end),
        part
          .slice(end + 1)
          .trimEnd()
          .split(OR),
      ]
    }),
  )
}

/** The names of statements with another plan than was committed. */
export function comparePlans(committed: Plans, met: Plans): readonly string[] {
  const others = [...met].flatMap(([name, texts]) => {
    const known = committed.get(name)
    if (!known) return [`${name} (not committed)`]
    return texts.every((text) => known.includes(text)) && known.every((text) => texts.includes(text)) ? [] : [name]
  })
  const gone = [...committed.keys()].filter((name) => !met.has(name))
  return [...others, ...gone.map((name) => `${name} (not met)`)]
}

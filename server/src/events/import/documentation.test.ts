import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { eventNameOf } from './event-name-of.ts'
import { readDefinitionDocument } from './read-definition-document.ts'

const page = readFileSync(new URL('../../../../docs/importing-definitions.md', import.meta.url), 'utf8')

test('every document shown in docs/importing-definitions.md is read without an error', () => {
  const shown = [...page.matchAll(/```(?:yaml|json)\n(.*?)```/gs)].map(([, text = '']) => text)
  const documents = shown.filter((text) => !text.includes('"document"'))
  assert.deepEqual(
    documents.map((text) => {
      const { definitions, faults, warnings } = readDefinitionDocument(text)
      return [...definitions.map(({ eventName }) => eventName), ...faults, ...warnings]
    }),
    [['pet.adopted'], ['stock.counted'], ['visit.ended']],
  )
})

test('every name in docs/importing-definitions.md becomes what stands there', () => {
  const section = page.slice(page.indexOf('## Names'), page.indexOf('## OpenAPI'))
  const rows = [...section.matchAll(/^\| `(.+?)` \| (?:`(.+?)`|none.*) \|$/gm)]
  assert.ok(rows.length > 8)
  for (const [, text = '', name] of rows) assert.equal(eventNameOf(text), name, text)
})

test('every code that a document can be told of stands in docs/importing-definitions.md', () => {
  const folder = new URL('./', import.meta.url)
  const sources = readdirSync(folder).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
  const words = sources.flatMap((name) =>
    [...readFileSync(new URL(name, folder), 'utf8').matchAll(/'([a-z]+(?:_[a-z]+)+)'/g)].map(([, word = '']) => word),
  )
  const codes = [...new Set(words)].filter((word) => !others.includes(word))
  assert.ok(codes.length > 30, String(codes.length))
  for (const code of codes) assert.ok(page.includes(`\`${code}\``), code)
})

/** Words of the sources that are no codes of documents. */
const others = ['event_name', 'rate_limited', 'shutting_down']

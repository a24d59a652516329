import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { runCommandLine, startStubServer } from '../test-terminal.ts'
import { definitionTypes } from './definition-types.ts'

const standard = fileURLToPath(new URL('../../../definitions/', import.meta.url))
const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc')

async function standardDefinitions() {
  const names = (await readdir(standard)).filter((name) => name.endsWith('.json'))
  const texts = await Promise.all(names.map(async (name) => await readFile(standard + name, 'utf8')))
  return texts.map((text) => ({ status: 'active', ...JSON.parse(text) }))
}

test('the standard definitions’ own examples fit their types, and what lacks a member does not', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'daybook-types-'))
  t.after(async () => await rm(folder, { recursive: true }))
  const definitions = await standardDefinitions()
  const examples = definitions.flatMap(({ event_name, examples }) =>
    examples.map((example: unknown) => `check(${JSON.stringify(event_name)}, ${JSON.stringify(example)})\n`),
  )
  assert.ok(examples.length >= definitions.length)
  const code = `import type { EventPayloads } from './events.ts'
function check<Name extends keyof EventPayloads>(_name: Name, _payload: EventPayloads[Name]): void {}
${examples.join('')}
// @ts-expect-error what is required is not there
check('appointment.created', {})
// @ts-expect-error no such event
check('appointment.forgotten', {})
`
  await writeFile(join(folder, 'events.ts'), definitionTypes(definitions))
  await writeFile(join(folder, 'check.ts'), code)
  const settings = { strict: true, noEmit: true, allowImportingTsExtensions: true, module: 'nodenext', types: [] }
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: settings, files: ['check.ts'] }))
  await promisify(execFile)(process.execPath, [compiler, '-p', folder]).catch((error: unknown) => {
    assert.fail(String(Object(error).stdout))
  })
})

test('daybook types writes all definitions in the order of their names, with what is said of them', async (t) => {
  const page = (names: readonly string[], next_cursor: string | null) => ({
    status: 200,
    body: { data: names.map((event_name) => ({ event_name })), next_cursor },
  })
  const definition = (event_name: string, schema: unknown, status = 'active') => ({
    status: 200,
    body: { event_name, title: 'Order placed', description: '', status, schema },
  })
  const id = { $defs: { 'a/b': { type: 'string' } }, properties: { id: { $ref: '#/$defs/a~1b' } }, required: ['id'] }
  const { env, requests } = await startStubServer(t, [
    page(['order.placed'], 'next'),
    definition('order.placed', id),
    page(['order.lost'], null),
    definition('order.lost', true, 'deprecated'),
  ])
  const { exitCode, stdout } = await runCommandLine(['types'], env)
  assert.equal(exitCode, 0)
  assert.equal(requests.length, 4)
  assert.match(
    stdout,
    /interface EventPayloads \{\n {2}\/\*\*\n {3}\* Order placed\n {3}\* @deprecated\n {3}\*\/\n {2}readonly "order.lost": unknown\n/,
  )
  assert.match(stdout, /readonly "order.placed": \{\n {4}readonly id: string\n {2}\}\n\}\n$/)
})

import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { runCommandLine, startStubServer } from '../test-terminal.ts'

async function folderWith(t: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'daybook-schemas-'))
  t.after(async () => await rm(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  return folder
}

const step = (index: number, event_name: string, more: object = {}) => ({
  event_name,
  pointer: `/definitions/${index}`,
  outcome: 'create',
  version: null,
  code: null,
  detail: null,
  errors: [],
  ...more,
})

const answer = (definitions: readonly object[], dry_run = true) => ({
  status: 200,
  body: { format: 'definition', dry_run, definitions, errors: [], warnings: [] },
})

const definition = {
  event_name: 'order.placed',
  source: 'custom',
  status: 'active',
  compatibility: 'full',
  version: 2,
  title: 'Order placed',
  description: '',
  owner: null,
  tags: ['sales'],
  entity: null,
  related: [],
  personal: [],
  created_at: null,
  updated_at: null,
}

const files = {
  'a.json': '{"event_name":"order.placed","schema":{"type":"object"},"tags":["sales"]}',
  'b.yml': 'asyncapi: 3.0.0\ncomponents: {messages: {orderPaid: {payload: {type: object}, headers: {}}}}',
  'notes.txt': 'not looked at',
}

test('a folder is one import of all its files, tried first and written only with --apply', async (t) => {
  const folder = await folderWith(t, files)
  const steps = [step(0, 'order.placed'), step(1, 'order.paid')]
  const { env, requests } = await startStubServer(t, [answer(steps), answer(steps), answer(steps, false)])
  const tried = await runCommandLine(['schemas', 'import', folder], env)
  assert.equal(tried.exitCode, 0)
  assert.match(tried.stdout, /^order\.paid +create +- +b\.yml +-$/m)
  assert.match(tried.stdout, /Warnings:\n {2}b\.yml \/components\/messages\/orderPaid .*\(headers_ignored\)/)
  assert.match(tried.stdout, /--apply writes it/)
  const document = {
    definitions: [
      { event_name: 'order.placed', tags: ['sales'], schema: { type: 'object' } },
      { event_name: 'order.paid', schema: { type: 'object' } },
    ],
  }
  const [first] = requests
  assert.deepEqual([first?.line, first?.body], ['POST /api/v1/events/schemas/import', { document, dry_run: true }])
  const wish = ['--status', 'active', '--compatibility', 'none']
  const applied = await runCommandLine(['schemas', 'import', folder, '--apply', '--json', ...wish], env)
  assert.equal(applied.exitCode, 0)
  assert.deepEqual(
    requests.slice(1).map(({ body }) => Object(body)),
    [true, false].map((dry_run) => ({ document, dry_run, status: 'active', compatibility: 'none' })),
  )
  assert.partialDeepStrictEqual(JSON.parse(applied.stdout), {
    applied: true,
    definitions: [{ file: 'a.json' }, { file: 'b.yml' }],
  })
})

test('all errors of all files are told with file and place, and the server is not asked', async (t) => {
  const folder = await folderWith(t, {
    ...files,
    'c.json': '{',
    'd.json': '{"openapi":"3.1.0","webhooks":{"a":{"$ref":"https://example.com/a"},"b":{}}}',
    'e.yaml': 'event_name: order.placed\nschema: {}',
  })
  const { env, requests } = await startStubServer(t, [])
  const { exitCode, stdout } = await runCommandLine(['schemas', 'import', folder, '--apply'], env)
  assert.equal(exitCode, 1)
  assert.match(stdout, /^ {2}c\.json \/ .*\(malformed_json\)$/m)
  assert.match(stdout, /^ {2}d\.json \/webhooks\/a\/\$ref .*\(remote_reference\)$/m)
  assert.match(stdout, /^ {2}d\.json \/webhooks\/b .*\(no_payload\)$/m)
  assert.match(stdout, /^ {2}e\.yaml \/ Has the event name order\.placed, which a\.json has too \(name_collision\)$/m)
  assert.equal(requests.length, 0)
})

test('more definitions than go in one request go in parts, and all are tried before the first is written', async (t) => {
  const definitions = Array.from({ length: 450 }, (_, index) => ({ event_name: `order.n${index}`, schema: {} }))
  const folder = await folderWith(t, { 'all.json': JSON.stringify({ definitions: definitions.slice(0, 250) }) })
  for (const one of definitions.slice(250)) await writeFile(join(folder, `${one.event_name}.json`), JSON.stringify(one))
  const answers = (isDryRun: boolean) =>
    [200, 200, 50].map((count) =>
      answer(
        Array.from({ length: count }, (_, index) => step(index, 'order')),
        isDryRun,
      ),
    )
  const { env, requests } = await startStubServer(t, [...answers(true), ...answers(false)])
  const { exitCode, stdout } = await runCommandLine(['schemas', 'import', folder, '--apply', '--json'], env)
  assert.equal(exitCode, 0)
  const sent = requests.map(({ body }) => Object(body))
  assert.deepEqual(
    sent.map(({ dry_run, document }) => [dry_run, document.definitions.length]),
    [true, false].flatMap((dry_run) => [200, 200, 50].map((count) => [dry_run, count])),
  )
  const report = JSON.parse(stdout)
  assert.equal(report.definitions.length, 450)
  assert.deepEqual([report.definitions[0].file, report.definitions[449].file], ['all.json', 'order.n449.json'])
})

test('definitions that are too long together go in parts, and one that is too long alone goes alone', async (t) => {
  const large = { schema: {}, examples: ['x'.repeat(1_500_000)] }
  const definitions = [1, 2, 3].map((number) => ({ event_name: `order.n${number}`, ...large }))
  definitions.push({ event_name: 'order.n4', schema: {}, examples: [] })
  const folder = await folderWith(t, { 'all.json': JSON.stringify({ definitions }) })
  const { env, requests } = await startStubServer(
    t,
    [1, 1, 2].map(() => answer([step(0, 'order.n1')])),
  )
  await runCommandLine(['schemas', 'import', folder], env)
  assert.deepEqual(
    requests.map(({ body }) => Object(body).document.definitions.length),
    [1, 1, 2],
  )
})

test('nothing is written when one of the parts is refused', async (t) => {
  const definitions = Array.from({ length: 201 }, (_, index) => ({ event_name: `order.n${index}`, schema: {} }))
  const folder = await folderWith(t, { 'all.json': JSON.stringify({ definitions }) })
  const refused = { outcome: 'refused', code: 'invalid_definition', detail: 'No schema' }
  const { env, requests } = await startStubServer(t, [answer([step(0, 'a')]), answer([step(0, 'b', refused)])])
  const { exitCode } = await runCommandLine(['schemas', 'import', folder, '--apply'], env)
  assert.deepEqual([exitCode, requests.length], [1, 2])
})

test('what the server refuses is not applied, and told with every reason', async (t) => {
  const folder = await folderWith(t, files)
  const errors = [{ pointer: '/schema/type', code: 'type', message: 'Is narrower' }]
  const refused = { outcome: 'refused', version: 3, code: 'incompatible_schema', detail: 'Breaks', errors }
  const { env, requests } = await startStubServer(t, [
    answer([step(0, 'order.placed', refused), step(1, 'order.paid')]),
  ])
  const { exitCode, stdout } = await runCommandLine(['schemas', 'import', folder, '--apply'], env)
  assert.equal(exitCode, 1)
  assert.match(stdout, /^ {2}a\.json order\.placed \/schema\/type Is narrower \(type\)$/m)
  assert.match(stdout, /Nothing can be imported/)
  assert.equal(requests.length, 1)
})

test('what is no path, an empty folder and a wrong option end with 2', async (t) => {
  const folder = await folderWith(t, {})
  const { env, requests } = await startStubServer(t, [])
  for (const args of [
    [join(folder, 'no')],
    [folder],
    [folder, '--format', 'raml'],
    [folder, '--status', 'archived'],
    [],
  ]) {
    assert.equal((await runCommandLine(['schemas', 'import', ...args], env)).exitCode, 2, args.join(' '))
  }
  assert.equal(requests.length, 0)
})

test('an export is a file for each definition of the company, with every number as it was written', async (t) => {
  const folder = join(await folderWith(t, {}), 'below')
  const text = JSON.stringify({ ...definition, examples: [], schema: 0 }).replace(
    '"schema":0',
    '"schema":{"maximum":1.50}',
  )
  const { env, requests } = await startStubServer(t, [
    { status: 200, body: { data: [definition], next_cursor: null } },
    { status: 200, text },
  ])
  const { exitCode, stdout } = await runCommandLine(['schemas', 'export', folder], env)
  assert.deepEqual([exitCode, stdout], [0, `1 written to ${folder}\n`])
  assert.deepEqual(await readdir(folder), ['order.placed.json'])
  const written = await readFile(join(folder, 'order.placed.json'), 'utf8')
  assert.match(written, /"maximum": 1\.50\n/)
  assert.deepEqual(JSON.parse(written), {
    event_name: 'order.placed',
    version: 2,
    status: 'active',
    compatibility: 'full',
    title: 'Order placed',
    tags: ['sales'],
    schema: { maximum: 1.5 },
    examples: [],
  })
  assert.deepEqual(
    requests.map(({ line }) => line),
    ['GET /api/v1/events/schemas?source=custom&limit=200', 'GET /api/v1/events/schemas/order.placed'],
  )
})

test('the list is filtered, and one definition is shown with its schema', async (t) => {
  const { env, requests } = await startStubServer(t, [
    { status: 200, body: { data: [definition], next_cursor: null } },
    { status: 200, body: { ...definition, schema: { type: 'object' }, examples: [] } },
  ])
  const filters = ['--source', 'custom', '--status', 'active', '--tag', 'sales', '--search', 'order']
  const list = await runCommandLine(['schemas', 'list', ...filters], env)
  assert.match(list.stdout, /^order\.placed +custom +active +2 +Order placed$/m)
  const one = await runCommandLine(['schemas', 'get', 'order.placed', '--version-number', '1'], env)
  assert.match(one.stdout, /\n\n\{\n {2}"type": "object"\n\}\n$/)
  assert.deepEqual(
    requests.map(({ line }) => line),
    [
      'GET /api/v1/events/schemas?source=custom&status=active&tag=sales&q=order&limit=200',
      'GET /api/v1/events/schemas/order.placed?version=1',
    ],
  )
})

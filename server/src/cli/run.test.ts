import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { variables } from './config.ts'
import { runCommandLine, startStubServer } from './test-terminal.ts'

const published = { id: '018f', event_name: 'a.b', recorded_at: '2026-03-02T00:00:00.000Z', replayed: false }
const key = {
  id: '1',
  name: 'Shop',
  hint: 'dbk_1234…abcd',
  scopes: ['*'],
  created_at: 'now',
  expires_at: null,
  revoked_at: null,
}

test('the help names every environment variable and every command, on standard output', async () => {
  const { exitCode, stdout, stderr } = await runCommandLine(['--help'])
  assert.deepEqual([exitCode, stderr], [0, ''])
  for (const word of [
    ...Object.keys(variables),
    'start',
    'migrate',
    'publish',
    'events',
    'timeline',
    'stats',
    'keys',
    'subscriptions',
    'logs',
    'vault',
    'doctor',
    'demo',
  ]) {
    assert.match(stdout, new RegExp(`^  ${word}\\b`, 'm'))
  }
})

test('the version is that of the package', async () => {
  assert.match((await runCommandLine(['--version'])).stdout, /^\d+\.\d+\.\d+\n$/)
})

test('wrong usage ends with 2 and says on standard error what is wrong', async () => {
  const env = { DAYBOOK_API_KEY: 'key' }
  const wrong = [
    ['pubish'],
    ['publish'],
    ['publish', 'a.b', '{'],
    ['publish', 'a.b', '@/no/such/file'],
    ['publish', 'a.b', '--entity', 'customer'],
    ['publish', 'a.b', '{}', 'more'],
    ['events', '--limit', '0'],
    ['events', 'show'],
    ['keys'],
    ['keys', 'create'],
    ['subscriptions', 'update', '1'],
    ['subscriptions', 'rotate-secret', '1', '--overlap', '-1'],
    ['demo', '--events', 'many'],
    ['keys', 'list', '--url', 'daybook.test'],
    ['start', '--prot', '1'],
  ]
  for (const args of wrong) {
    const { exitCode, stdout, stderr } = await runCommandLine(args, env)
    assert.deepEqual([exitCode, stdout], [2, ''], args.join(' '))
    assert.notEqual(stderr, '')
  }
})

test('a wrong configuration ends with 2 and names every mistake; flags win over variables', async () => {
  const { exitCode, stderr } = await runCommandLine(['start', '--port', 'x', '--roles', 'cook'], {
    DAYBOOK_PORT: '1',
    DAYBOOK_CALLS_MAX: '0',
  })
  assert.equal(exitCode, 2)
  for (const name of ['DAYBOOK_PORT', 'DAYBOOK_ROLES', 'DAYBOOK_CALLS_MAX'])
    assert.match(stderr, new RegExp(`${name}: `))
})

test('without a key nothing is asked of a server', async (t) => {
  const { env, requests } = await startStubServer(t, [])
  const { exitCode, stderr } = await runCommandLine(['keys', 'list'], { ...env, DAYBOOK_API_KEY: '' })
  assert.equal(exitCode, 2)
  assert.match(stderr, /DAYBOOK_API_KEY/)
  assert.equal(requests.length, 0)
})

test('a server that is not there ends with 3 and says which one', async () => {
  const { exitCode, stderr } = await runCommandLine(['keys', 'list', '--url', 'http://127.0.0.1:9', '--api-key', 'k'])
  assert.equal(exitCode, 3)
  assert.match(stderr, /network_error/)
})

test('a refusal ends with 1 and tells the code, every fault and the request', async (t) => {
  const errors = [{ pointer: '/payload/starts_at', code: 'format', message: 'Is no time' }]
  const body = { code: 'schema_violation', detail: 'The payload\u001b[2J does not fit', errors }
  const { env } = await startStubServer(t, [{ status: 422, body }])
  const { exitCode, stdout, stderr } = await runCommandLine(['publish', 'a.b'], env)
  assert.deepEqual([exitCode, stdout], [1, ''])
  assert.match(stderr, /error: schema_violation: The payload�\[2J does not fit\n/)
  assert.match(stderr, /\/payload\/starts_at Is no time \(format\)\n/)
  assert.match(stderr, /request req-1\n/)
})

test('an event is published with its entities, and every number as it was written', async (t) => {
  const { env, requests } = await startStubServer(t, [{ status: 201, body: published }])
  const entities = ['--entity', 'order:7', '--related', 'customer:a:b', '--related', 'shop:1']
  const names = ['--id', '018f4e5a-9c00-7abc-9def-0123456789ab', '--key', 'k1', '--json']
  const { exitCode, stdout } = await runCommandLine(['publish', 'a.b', '{"n":1}', ...entities, ...names], env)
  assert.equal(exitCode, 0)
  assert.deepEqual(JSON.parse(stdout), published)
  assert.deepEqual(requests, [
    {
      line: 'POST /api/v1/events',
      key: 'Bearer key',
      body: {
        event_name: 'a.b',
        payload: { n: 1 },
        entity_type: 'order',
        entity_id: '7',
        related: [
          { type: 'customer', id: 'a:b' },
          { type: 'shop', id: '1' },
        ],
        id: '018f4e5a-9c00-7abc-9def-0123456789ab',
        idempotency_key: 'k1',
      },
    },
  ])
})

test('a payload comes from standard input, from a file, or is empty', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'daybook-cli-'))
  t.after(async () => await rm(directory, { recursive: true }))
  await writeFile(join(directory, 'payload.json'), '{"from":"file"}')
  const answer = { status: 201, body: published }
  const { env, requests } = await startStubServer(t, [answer, answer, answer])
  await runCommandLine(['publish', 'a.b', '-'], env, '{"from":"stdin"}')
  await runCommandLine(['publish', 'a.b', `@${join(directory, 'payload.json')}`], env)
  await runCommandLine(['publish', 'a.b'], env)
  assert.deepEqual(
    requests.map(({ body }) => Object(body).payload),
    [{ from: 'stdin' }, { from: 'file' }, {}],
  )
})

test('events are listed over as many pages as the limit takes, filtered, as lines of JSON', async (t) => {
  const page = (count: number, next: string | null) => ({
    status: 200,
    body: { data: Array.from({ length: count }, (_, n) => ({ id: String(n) })), next_cursor: next },
  })
  const { env, requests } = await startStubServer(t, [page(200, 'c1'), page(50, 'c2')])
  const filters = ['--name', 'a.*', '--name', 'b', '--entity', 'order:7', '--from', '-24h', '--limit', '250', '--json']
  const { exitCode, stdout } = await runCommandLine(['events', ...filters], env)
  assert.equal(exitCode, 0)
  assert.equal(stdout.trim().split('\n').length, 250)
  const query = 'event_names=a.*&event_names=b&entity_type=order&entity_id=7&from=-24h'
  assert.deepEqual(
    requests.map(({ line }) => line),
    [`GET /api/v1/events?${query}&limit=200`, `GET /api/v1/events?${query}&limit=50&cursor=c1`],
  )
})

test('what others published is shown with every number as they wrote it', async (t) => {
  const event = '{"id":"1","position":3,"payload":{"price":1.50,"order":12345678901234567890}}'
  const { env } = await startStubServer(t, [
    { status: 200, text: event },
    { status: 200, text: event },
  ])
  assert.equal((await runCommandLine(['events', 'show', '1', '--json'], env)).stdout, `${event}\n`)
  const { stdout } = await runCommandLine(['events', 'show', '1'], env)
  assert.equal(stdout, 'id        1\nposition  3\n\n{\n  "price": 1.50,\n  "order": 12345678901234567890\n}\n')
})

test('a new key is shown once, under what is known of it', async (t) => {
  const { env, requests } = await startStubServer(t, [{ status: 201, body: { ...key, key: 'dbk_whole' } }])
  const { stdout } = await runCommandLine(
    ['keys', 'create', 'Shop', '--scope', 'events:read', '--scope', 'events:write'],
    env,
  )
  assert.match(stdout, /^name +Shop\n/m)
  assert.match(stdout, /\n {4}dbk_whole\n/)
  assert.deepEqual(requests[0]?.body, { name: 'Shop', scopes: ['events:read', 'events:write'] })
})

test('lists are tables for people', async (t) => {
  const { env } = await startStubServer(t, [{ status: 200, body: { data: [key], next_cursor: null } }])
  const { stdout } = await runCommandLine(['keys', 'list'], env)
  assert.equal(
    stdout,
    'ID  NAME  KEY            SCOPES  CREATED  EXPIRES  REVOKED\n1   Shop  dbk_1234…abcd  *       now      -        -\n',
  )
})

test('every command on subscriptions asks for its own route', async (t) => {
  const subscription = { id: 's/1', secret: 'whsec_x' }
  const { env, requests } = await startStubServer(
    t,
    Array.from({ length: 7 }, () => ({ status: 200, body: subscription })),
  )
  const commands = [
    ['create', 'https://example.com/hook', '--event', 'a.*', '--timeout', '5000', '--inactive'],
    ['show', 's/1'],
    ['update', 's/1', '--webhook-url', 'https://example.com/new'],
    ['delete', 's/1'],
    ['enable', 's/1'],
    ['disable', 's/1'],
    ['rotate-secret', 's/1', '--overlap', '60'],
  ]
  for (const args of commands) assert.equal((await runCommandLine(['subscriptions', ...args], env)).exitCode, 0)
  const root = '/api/v1/events/subscriptions'
  const fields = { webhook_url: 'https://example.com/hook', event_names: ['a.*'], timeout_ms: 5_000, active: false }
  assert.deepEqual(
    requests.map(({ line, body }) => [line, body]),
    [
      [`POST ${root}`, fields],
      [`GET ${root}/s%2F1`, undefined],
      [`PATCH ${root}/s%2F1`, { webhook_url: 'https://example.com/new' }],
      [`DELETE ${root}/s%2F1`, undefined],
      [`POST ${root}/s%2F1/enable`, undefined],
      [`POST ${root}/s%2F1/disable`, undefined],
      [`POST ${root}/s%2F1/rotate-secret`, { overlap_seconds: 60 }],
    ],
  )
})

test('colours come with FORCE_COLOR and not with NO_COLOR', () => {
  const main = fileURLToPath(new URL('main.ts', import.meta.url))
  const stderrUnder = (env: NodeJS.ProcessEnv): string =>
    spawnSync(process.execPath, ['--conditions=source', main, 'keys', 'list'], { env, encoding: 'utf8' }).stderr
  assert.ok(stderrUnder({ FORCE_COLOR: '1' }).startsWith('\u001b[31merror:'))
  assert.match(stderrUnder({ NO_COLOR: '1' }), /^error:/)
})

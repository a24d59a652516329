import assert from 'node:assert/strict'
import { posix } from 'node:path'
import { test } from 'node:test'
import { read, sourceFiles } from './source-files.ts'

/** Which folders of server/src each folder may import from. ARCHITECTURE.md shows this table. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  db: ['lib'],
  contract: ['lib'],
  vault: ['db', 'lib'],
  events: ['vault', 'db', 'lib'],
  webhooks: ['events', 'vault', 'db', 'lib'],
  audit: ['webhooks', 'events', 'vault', 'db', 'lib'],
  identity: ['events', 'vault', 'db', 'lib'],
  catalogue: ['webhooks', 'events', 'contract', 'db', 'lib'],
  http: ['audit', 'catalogue', 'contract', 'db', 'events', 'identity', 'lib', 'mcp', 'vault', 'webhooks'],
  mcp: ['sdk', 'contract', 'lib'],
  worker: ['audit', 'webhooks', 'events', 'identity', 'vault', 'db', 'lib'],
  cli: ['*'],
}

/** Packages that only some folders may know. */
const packageHomes: Readonly<Record<string, readonly string[]>> = {
  pg: ['db'],
  'node-pg-migrate': ['db'],
  fastify: ['http'],
  '@fastify/': ['http'],
  undici: ['webhooks'],
  'node:net': ['webhooks', 'db', 'cli'],
  'node:tls': ['webhooks'],
  'node:dns': ['webhooks'],
  'node:http': ['http', 'cli'],
  commander: ['cli'],
  '@daybook/sdk': ['cli', 'mcp'],
  '@opentelemetry/': ['lib'],
  '@prometheus-io/': ['worker'],
  typebox: ['contract', 'http', 'events'],
}

const root = 'server/src/'

/** Hands the few variables that PostgreSQL's programs need on to them; no setting of ours. */
const environmentReaders = ['server/src/db/embedded/run-command.ts']

/** Exported shape of the check, so that the test below can prove that it sees a violation. */
function violations(file: string, text: string): string[] {
  const folder = file.slice(root.length).split('/')[0] ?? ''
  const may = allowed[folder]
  if (!may) return [`${file}: the folder ${folder} is not in the table`]
  const found: string[] = []
  for (const [, target = ''] of text.matchAll(/\b(?:from|import)\s*\(?\s*'([^']+)'/g)) {
    if (target.startsWith('.')) {
      const to = posix.join(posix.dirname(file), target)
      const other = to.startsWith(root) ? (to.slice(root.length).split('/')[0] ?? '') : to
      if (other !== folder && !may.includes('*') && !may.includes(other)) found.push(`${file} imports ${to}`)
    } else {
      const [, homes] = Object.entries(packageHomes).find(([name]) => isPackage(target, name)) ?? []
      if (homes && !homes.includes(folder)) found.push(`${file} imports ${target}`)
    }
  }
  if (folder !== 'cli' && !environmentReaders.includes(file) && /\bprocess\.env\b/.test(text))
    found.push(`${file} reads the environment`)
  return found
}

function isPackage(target: string, name: string): boolean {
  return name.endsWith('/') ? target.startsWith(name) : target === name || target.startsWith(`${name}/`)
}

test('every import points where its folder may look', () => {
  const files = sourceFiles()
  assert.ok(files.length > 50)
  assert.deepEqual(
    files.flatMap((file) => violations(file, read(file))),
    [],
  )
})

test('a planted violation is seen', () => {
  assert.equal(violations('server/src/lib/a.ts', `import { x } from '../db/rows.ts'`).length, 1)
  assert.equal(violations('server/src/events/a.ts', `import { x } from '../webhooks/lanes.ts'`).length, 1)
  assert.equal(violations('server/src/events/a.ts', `import { Pool } from 'pg'`).length, 1)
  assert.equal(violations('server/src/webhooks/a.ts', `const x = await import('fastify')`).length, 1)
  assert.equal(violations('server/src/nowhere/a.ts', ``).length, 1)
  assert.equal(violations('server/src/http/a.ts', `process.env.X`).length, 1)
  assert.equal(violations('server/src/webhooks/a.ts', `import { x } from '../events/event.ts'`).length, 0)
})

/** Looks at the package as those who install it do. It is built, packed and installed here; nothing is fetched. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import express from 'express'

const here = fileURLToPath(new URL('./', import.meta.url))
const modules = join(here, 'node_modules')
let directory = ''
let tarball = ''

/** Throws with all that the command said when it fails. */
function run(command: string, args: readonly string[], cwd = directory): string {
  try {
    return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: 'pipe' })
  } catch (error) {
    throw new Error(`${command} ${args.join(' ')}\n${Object(error).stdout}${Object(error).stderr}`, { cause: error })
  }
}

before(() => {
  directory = mkdtempSync(join(here, '.consumer-'))
  run('npm', ['run', '--silent', 'build'], join(here, '..'))
  const packed = run('npm', ['pack', '--silent', '--pack-destination', directory], join(here, '../dist'))
  tarball = join(directory, packed.trim())
  writeFileSync(join(directory, 'package.json'), '{"private":true,"type":"module"}')
  run('npm', ['install', '--silent', '--offline', '--no-save', tarball])
  cpSync(join(here, 'consumer'), directory, { recursive: true })
})

after(() => rmSync(directory, { recursive: true, force: true }))

test('the package holds what was built and nothing else, and needs no other', () => {
  const files = run('tar', ['-tzf', tarball]).trim().split('\n')
  const strange = files.filter((file) => !/^package\/(?:package\.json|README\.md|LICENSE|.*\.js|.*\.d\.ts)$/.test(file))
  assert.deepEqual(strange, [])
  assert.ok(!files.some((file) => file.includes('.test.')))
  const { exports, dependencies } = JSON.parse(
    readFileSync(join(directory, 'node_modules/@daybook/sdk/package.json'), 'utf8'),
  )
  assert.equal(dependencies, undefined)
  assert.deepEqual(exports['.'], { types: './index.d.ts', default: './index.js' })
})

test('publint finds nothing', () => {
  const said = run(join(modules, '.bin/publint'), [tarball, '--strict'])
  assert.match(said, /All good!/)
})

test('its types are right for whoever imports it', () => {
  // There is nothing for `require` and for the resolution of before 2022: the package is ESM only.
  run(join(modules, '.bin/attw'), [tarball, '--profile', 'esm-only', '--no-color'])
})

describe('a program over it compiles', () => {
  const lib = '["es2022","dom"]'
  const settings = {
    nodenext: { module: 'nodenext' },
    bundler: { module: 'esnext', moduleResolution: 'bundler' },
  }
  for (const version of ['5.9', '6', '7']) {
    for (const [name, setting] of Object.entries(settings)) {
      test(`by TypeScript ${version} for ${name}, with the declarations checked and without those of Node`, () => {
        const project = join(directory, `tsconfig.${version}.${name}.json`)
        const strict = '"strict":true,"exactOptionalPropertyTypes":true,"noUncheckedIndexedAccess":true'
        const options = `${JSON.stringify(setting).slice(1, -1)},${strict},"target":"es2022","lib":${lib},"types":[],"noEmit":true`
        writeFileSync(project, `{"compilerOptions":{${options}},"files":["sample.ts"]}`)
        run(process.execPath, [join(modules, `typescript-${version}/bin/tsc`), '-p', project])
      })
    }
  }

  test('and its handlers are what node:http, Express and Fastify take', () => {
    for (const name of ['express', 'fastify', '@types']) {
      symlinkSync(join(modules, name), join(directory, 'node_modules', name))
    }
    const options =
      '"module":"nodenext","strict":true,"target":"es2022","noEmit":true,"skipLibCheck":true,"types":["node"]'
    writeFileSync(join(directory, 'tsconfig.json'), `{"compilerOptions":{${options}},"files":["frameworks.ts"]}`)
    run(process.execPath, [join(modules, 'typescript-5.9/bin/tsc'), '-p', directory])
  })
})

const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`

function signedCall(id: string): RequestInit {
  const seconds = String(Math.floor(Date.now() / 1_000))
  const body = `{"id":"${id}","type":"a.b","timestamp":"2026-11-23T10:00:00.000Z","position":1,"data":{"n":1.0}}`
  const mac = createHmac('sha256', Buffer.alloc(32, 7)).update(`${id}.${seconds}.${body}`).digest('base64')
  const ours = { 'webhook-id': id, 'webhook-timestamp': seconds, 'webhook-signature': `v1,${mac}` }
  return { method: 'POST', body, headers: { 'content-type': 'application/json', ...ours } }
}

test('in Express it gets bodies that nothing has parsed, or says that something has', async (t) => {
  const load = async (name: string) => await import(join(directory, 'node_modules/@daybook/sdk', name))
  const [{ createReceiver }, { nodeHandler }] = [await load('index.js'), await load('node.js')]
  const errors: unknown[] = []
  const handled: string[] = []
  const receiver = createReceiver({
    secrets: secret,
    on: { '*': ({ dataText }: { dataText: string }) => void handled.push(dataText) },
    onError: (error: unknown) => void errors.push(error),
  })
  const app = express()
  app.post('/first', nodeHandler(receiver))
  app.post('/raw', express.raw({ type: '*/*' }), nodeHandler(receiver))
  app.use(express.json())
  app.post('/late', nodeHandler(receiver))
  const server = app.listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const statuses: number[] = []
  for (const path of ['first', 'raw', 'late']) statuses.push((await fetch(`${url}/${path}`, signedCall(path))).status)
  assert.deepEqual(statuses, [200, 200, 500])
  assert.deepEqual(handled, ['{"n":1.0}', '{"n":1.0}'])
  assert.match(String(errors[0]), /before express.json\(\)/)
})

/** What holds for every operation of the OpenAPI document alike; the other files here have one operation each. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request as httpRequest } from 'node:http'
import { describe, test } from 'node:test'
import { text } from 'node:stream/consumers'
import { newId } from '../../src/lib/ids.ts'
import { scopes } from '../../src/lib/scopes.ts'
import type { Operation, Responded } from '../support/api-document.ts'
import { refusalOf, startRouteTest } from '../support/route-test.ts'

const api = await startRouteTest()
const { operations } = api.document
const guarded = operations.filter(({ access }) => access !== 'public')
const byScope = guarded.filter(({ access }) => access !== 'operator')
const writing = operations.filter(({ method }) => method !== 'GET')
const withoutBody = writing.filter(({ bodies }) => bodies.size === 0)

const keyFor = ({ access }: Operation): string => (access === 'operator' ? api.operatorKey : api.key)

const ask = async (operation: Operation, key: string | null) =>
  await api.request(operation.method, pathOf(operation), undefined, { key })

/** A path of the operation that names nothing. */
function concrete({ path }: Operation): string {
  return path.replaceAll(/\{\w+\}/g, newId())
}

/** The same below the base path. */
function pathOf(operation: Operation): string {
  return concrete(operation).replace(/^\/api\/v1(?=\/)/, '')
}

/** Sends the head of a request whose body never comes. */
async function sendHead(operation: Operation, headers: Readonly<Record<string, string>>): Promise<Responded> {
  const { method } = operation
  const sent = httpRequest(`${api.url}${concrete(operation)}`, { method, headers, agent: false })
  sent.flushHeaders()
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  const answer = { status: response.statusCode ?? 0, headers: new Headers(), text: await text(response) }
  for (const [name, value] of Object.entries(response.headers)) answer.headers.set(name, String(value))
  sent.destroy()
  return answer
}

describe('400', () => {
  for (const operation of withoutBody) {
    test(`${operation.operationId} asks for no body, and refuses one that is no JSON`, async () => {
      const answer = await api.request(operation.method, pathOf(operation), '{', { key: keyFor(operation) })
      assert.deepEqual(refusalOf(answer).slice(0, 2), [400, 'malformed_json'])
    })
  }
})

describe('no body', () => {
  for (const operation of withoutBody) {
    test(`${operation.operationId} does without one, whatever type a client names for it`, async () => {
      for (const contentType of ['application/json', 'application/x-www-form-urlencoded', 'text/plain']) {
        const answer = await api.request(operation.method, pathOf(operation), '', {
          key: keyFor(operation),
          contentType,
        })
        assert.ok(![400, 415].includes(answer.status), `${answer.status} ${contentType}`)
      }
    })
  }
})

describe('401', () => {
  // A key of the other kind is as wrong as any. An address may be wrong only so often.
  for (const operation of guarded) {
    test(`${operation.operationId} asks for a key, and for one that is in force`, async () => {
      for (const key of [null, operation.access === 'operator' ? api.key : api.operatorKey]) {
        const answer = await ask(operation, key)
        assert.deepEqual(refusalOf(answer), [401, 'unauthenticated'])
        assert.equal(answer.headers.get('www-authenticate'), 'Bearer')
      }
    })
  }
})

describe('403', () => {
  for (const operation of byScope) {
    test(`${operation.operationId} asks for ${operation.access}, and every other scope is not enough`, async () => {
      const others = scopes.filter((scope) => scope !== '*' && scope !== operation.access)
      assert.equal(others.length, scopes.length - 2, 'the document names a scope that is one')
      assert.deepEqual(refusalOf(await ask(operation, await api.keyWith(...others))), [403, 'forbidden'])
    })
  }
})

describe('405', () => {
  const methods = ['GET', 'PUT', 'PATCH', 'POST', 'DELETE']
  for (const operation of new Map(operations.map((one) => [one.path, one])).values()) {
    // A path beside one with a name, as /events/batch beside /events/{id}, takes that one's methods too; some take all.
    const taken = methods.filter((method) => api.document.operationAt(method, concrete(operation)))
    const wrong = methods.filter((method) => !taken.includes(method))
    if (wrong.length === 0) continue
    test(`${operation.path} names the methods that it takes to whoever uses another`, async () => {
      for (const method of wrong) {
        const answer = await api.request(method, pathOf(operation), undefined, { key: api.key })
        const allowed = (answer.headers.get('allow') ?? '').split(', ')
        assert.deepEqual(refusalOf(answer), [405, 'method_not_allowed'], method)
        assert.deepEqual(
          methods.filter((one) => allowed.includes(one)),
          taken,
        )
      }
    })
  }
})

describe('413', () => {
  for (const operation of writing) {
    test(`${operation.operationId} refuses a body of 64 MiB before it is sent`, async () => {
      const [type = 'application/json'] = operation.bodies.keys()
      const answer = await sendHead(operation, {
        authorization: `Bearer ${keyFor(operation)}`,
        'content-type': type,
        'content-length': String(64 * 1_024 * 1_024),
      })
      assert.equal(answer.status, 413)
      assert.deepEqual(api.document.faultsOf(operation, answer), [])
    })
  }
})

describe('415', () => {
  for (const operation of writing) {
    test(`${operation.operationId} reads no body of a type that it does not name`, async () => {
      for (const contentType of ['text/plain', 'application/x-www-form-urlencoded', 'application/xml', 'nonsense']) {
        const options = { key: keyFor(operation), contentType }
        const answer = await api.request(operation.method, pathOf(operation), 'x', options)
        assert.deepEqual(refusalOf(answer), [415, 'unsupported_media_type'], contentType)
      }
    })
  }
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { API_KEY, startDaybook } from '../support/daybook-process.ts'
import { testDatabase } from '../support/database.ts'
import { sqlValue } from '../support/sql.ts'
import { until } from '../support/until.ts'
import { settledRows } from './company-rows.ts'
import { newCompany, OPERATOR_KEY } from './new-company.ts'
import { accepted, refusals } from './refusals.ts'

test('what cannot be taken is refused with its status, its code and its place, and leaves nothing behind', async (t) => {
  const database = await testDatabase(t)
  const { engine } = database.pools
  const { url } = await startDaybook(t, {
    DATABASE_URL: database.url,
    DAYBOOK_OPERATOR_KEY: OPERATOR_KEY,
    DAYBOOK_EGRESS_ALLOW: '',
  })
  const strict = await newCompany(url, 'Strict', { allow_undeclared_events: false })
  const first = await sqlValue<string>(engine, 'select id from companies where id <> $1', [strict.id])
  const settled = async (): Promise<unknown> => {
    await until('all is routed', async () => (await sqlValue(engine, 'select count(*) from event_outbox')) === 0)
    return [await settledRows(engine, first), await settledRows(engine, strict.id)]
  }
  const send = async (path: string, body: string | Buffer, key: string, contentType: string) => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': contentType }
    const response = await fetch(`${url}/api/v1${path}`, { method: 'POST', headers, body })
    return { response, body: (await response.json()) as Problem }
  }
  const before = await settled()
  for (const refusal of refusals) {
    await t.test(`${refusal.what}: ${refusal.status} ${refusal.code}`, async () => {
      const { path = '/events', contentType = 'application/json' } = refusal
      const { response, body } = await send(path, refusal.body, refusal.strict ? strict.key : API_KEY, contentType)
      const [fault] = body.errors ?? []
      assert.deepEqual(
        { status: response.status, code: body.code, pointer: fault?.pointer, fault: fault?.code },
        {
          status: refusal.status,
          code: refusal.code,
          pointer: refusal.pointer,
          fault: refusal.pointer === undefined ? undefined : (refusal.fault ?? fault?.code),
        },
      )
      assert.equal(response.headers.get('content-type'), 'application/problem+json')
      assert.equal(body.status, refusal.status)
      assert.match(body.detail, refusal.says ?? /./)
      assert.deepEqual(await settled(), before)
    })
  }
  for (const { what, path = '/events', body } of accepted) {
    await t.test(`${what} is taken`, async () => {
      const { response } = await send(path, body, API_KEY, 'application/json')
      assert.equal(response.status, 201)
    })
  }
})

interface Problem {
  readonly status: number
  readonly code: string
  readonly detail: string
  readonly errors?: readonly { readonly pointer: string; readonly code: string }[]
}

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { testCompany } from '../../test/support/company.ts'
import { testDatabase } from '../../test/support/database.ts'
import { newId } from '../lib/ids.ts'
import { ProblemError } from '../lib/problems.ts'
import { eventJson } from './event-view.ts'
import { getEvent } from './get-event.ts'

describe('an event', () => {
  test('can be read from its publish on: recorded first, then routed with its position', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const [event] = await company.publish({
      related: [{ type: 'customer', id: '7' }],
      actor: { type: 'user', id: '1', name: 'Ann' },
      causationId: 'x',
    })
    const id = event?.id ?? ''
    const get = async () => await company.asCompany(async (db) => await getEvent(db, company.id, id.toUpperCase()))

    const recorded = await get()
    assert.equal(recorded.state, 'recorded')
    assert.equal(recorded.position, null)
    await company.route()
    const routed = await get()
    assert.deepEqual(routed, { ...recorded, state: 'routed', position: 2 }) // 1 tells of the company itself
    assert.deepEqual(routed.related, [{ type: 'customer', id: '7' }])
    assert.deepEqual(routed.actor, { type: 'user', id: '1', name: 'Ann' })
    assert.equal(routed.recorded_at, event?.recordedAt)
  })

  test('has the bytes of its payload in its JSON', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const payload = '{ "price": 1.10, "b": 2, "a": 12345678901234567890, "note": "\\u00e4\u{1f600}" }'
    const [event] = await company.publish({ payload })
    const view = await company.asCompany(async (db) => await getEvent(db, company.id, event?.id ?? ''))
    const json = eventJson(view)
    assert.ok(json.endsWith(`"payload_expired":false,"payload":${payload}}`), json)
    assert.equal(JSON.parse(json).id, event?.id)
    assert.equal(JSON.parse(json).payload_text, undefined)
  })

  test('of another company is not found in the same words as one that is nowhere', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const other = await testCompany(pools)
    const [foreign] = await other.publish({})
    await other.route()
    const problems = []
    for (const id of [foreign?.id ?? '', newId(), 'no id']) {
      const problem = await company
        .asCompany(async (db) => await getEvent(db, company.id, id))
        .catch((error: unknown) => error)
      assert.ok(problem instanceof ProblemError)
      problems.push([problem.code, problem.message, problem.faults])
    }
    assert.deepEqual(problems[0], ['not_found', 'No such event', []])
    assert.deepEqual(problems[1], problems[0])
    assert.deepEqual(problems[2], problems[0])
  })
})

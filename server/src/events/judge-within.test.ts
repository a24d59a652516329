import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judgeWithin } from './judge-within.ts'
import { createSchemaJudge } from './schema-judge.ts'

const costly = { check: async () => await new Promise<never>(() => {}) }

test('what is asked before the end is answered as ever', async (t) => {
  const judge = createSchemaJudge()
  t.after(async () => await judge.close())
  const bounded = judgeWithin(judge, new AbortController().signal)
  assert.deepEqual(await bounded.check('a', { type: 'object' }, [{}]), [])
  assert.equal(await bounded.sample('a', { const: 7 }), 7)
})

test('a question that is open at the end fails with its reason, and so does every later one', async (t) => {
  const judge = createSchemaJudge()
  t.after(async () => await judge.close())
  const end = new AbortController()
  const bounded = judgeWithin({ ...judge, ...costly }, end.signal)
  const open = bounded.check('a', {}, [])
  const reason = new Error('20 seconds are over')
  end.abort(reason)
  await assert.rejects(open, reason)
  await assert.rejects(bounded.sample('a', {}), reason)
})

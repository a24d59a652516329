import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CountAdmission } from './count-admission.ts'

test('two counts of a company go on at once, and four of all; each that ends makes room', async () => {
  const admission = new CountAdmission()
  const ends: (() => void)[] = []
  const running: Promise<void>[] = []
  const run = (companyId: string) =>
    admission.run(companyId, () => new Promise<void>((resolve) => void ends.push(resolve)))
  const refusal = { code: 'rate_limited' }
  running.push(run('a'), run('a'))
  await assert.rejects(run('a'), refusal)
  running.push(run('b'), run('c'))
  await assert.rejects(run('d'), refusal)
  for (const end of ends.splice(0)) end()
  await Promise.all(running)
  await assert.rejects(
    admission.run('a', async () => {
      throw new Error('in vain')
    }),
    /in vain/,
  )
  running.push(run('a'), run('a'))
  for (const end of ends) end()
  await Promise.all(running)
})

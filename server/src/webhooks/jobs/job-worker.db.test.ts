import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { author, testCompany } from '../../../test/support/company.ts'
import type { TestCompany } from '../../../test/support/company.ts'
import { testDatabase } from '../../../test/support/database.ts'
import { countsOf, jobOf, jobRun, startTestJob } from '../../../test/support/job-run.ts'
import { sql, sqlValue } from '../../../test/support/sql.ts'
import { listEvents } from '../../events/list-events.ts'
import { armFailpoints } from '../../lib/failpoint.ts'
import type { ProblemCode } from '../../lib/problems.ts'
import { ProblemError } from '../../lib/problems.ts'
import type { JobSlice } from './job-kinds.ts'
import { jobKind } from './job-kinds.ts'
import { cancelJob } from './cancel-job.ts'
import { confirmCount } from './confirm-count.ts'
import { pauseJob, resumeJob } from './start-job.ts'

/** A job of so many things, done ten at a time. What it does is written in a row of its company. */
const counting = (onSlice: (companyId: string) => Partial<JobSlice> = () => ({})) =>
  jobKind<{ readonly things: number }>({
    kind: 'counting',
    scope: 'deliveries:write',
    count: async (_db, _companyId, { things }) => things,
    slice: async (db, { companyId, parameters, cursor }) => {
      const from = Number(cursor ?? 0)
      const done = Math.min(10, parameters.things - from)
      const text = 'update company_heads set subscription_version = subscription_version + $2 where company_id = $1'
      await sql(db, text, [companyId, done])
      const reached = from + done
      return {
        done,
        skipped: {},
        cursor: String(reached),
        finished: reached === parameters.things,
        ...onSlice(companyId),
      }
    },
  })

const hasCode = (code: ProblemCode) => (error: unknown) => error instanceof ProblemError && error.code === code

async function told(company: TestCompany): Promise<readonly unknown[]> {
  await company.route()
  const { events } = await company.asCompany(
    async (db) => await listEvents(db, company.id, { event_names: ['daybook.job.*'] }, { order: 'asc' }),
  )
  return events.map(({ event_name, actor, payload_text }) => {
    const { parameters, after } = JSON.parse(payload_text ?? '')
    return [event_name, actor?.type, parameters, after.state, after.total, after.done]
  })
}

describe('the worker of jobs', () => {
  test('[change-with-event] does each slice once; start and end are told of in the transactions that make them', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const kind = counting()
    const job = await startTestJob(company, kind, { things: 35 })
    const run = jobRun(pools, { kinds: [kind] })
    await run.worker.round()
    assert.deepEqual(countsOf(await jobOf(company, job)), ['running', 35, 10, {}])
    await run.work()
    assert.deepEqual(countsOf(await jobOf(company, job)), ['succeeded', 35, 35, {}])
    const version = `select subscription_version from company_heads where company_id = $1`
    assert.equal(await sqlValue(pools.owner, version, [company.id]), 35)
    assert.deepEqual(await told(company), [
      ['daybook.job.started', 'user', { things: 35 }, 'queued', 35, 0],
      ['daybook.job.succeeded', 'system', { things: 35 }, 'succeeded', 35, 35],
    ])
  })

  test('takes one slice of each company in turn, and the jobs of a company one after another', async (t) => {
    const { pools } = await testDatabase(t)
    const companies = [await testCompany(pools), await testCompany(pools), await testCompany(pools)]
    const order: string[] = []
    const kind = counting((companyId) => {
      order.push(companyId)
      return {}
    })
    const jobs = []
    for (const company of companies) {
      jobs.push(await startTestJob(company, kind, { things: 20 }), await startTestJob(company, kind, { things: 10 }))
    }
    const run = jobRun(pools, { kinds: [kind] })
    const inTurn = companies.map(({ id }) => id).toSorted()
    for (let slice = 0; slice < 3; slice++) await run.worker.round()
    const [first] = companies
    assert.ok(first)
    assert.deepEqual(
      [await jobOf(first, jobs[0] ?? { id: '' }), await jobOf(first, jobs[1] ?? { id: '' })].map(({ done }) => done),
      [10, 0],
    )
    await run.work()
    assert.deepEqual(order, [...inTurn, ...inTurn, ...inTurn])
  })

  test('two at once: the second follows, and takes over with nothing lost when the first hands back', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const kind = counting()
    const job = await startTestJob(company, kind, { things: 30 })
    const [one, other] = [jobRun(pools, { kinds: [kind] }), jobRun(pools, { kinds: [kind] })]
    await one.worker.round()
    await other.worker.round()
    assert.equal((await jobOf(company, job)).done, 10)
    await one.leadership.release()
    await other.work()
    assert.deepEqual(countsOf(await jobOf(company, job)), ['succeeded', 30, 30, {}])
  })

  test('a leader that slept through its lease commits nothing', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const kind = counting()
    const job = await startTestJob(company, kind, { things: 30 })
    const [one, other] = [jobRun(pools, { kinds: [kind] }), jobRun(pools, { kinds: [kind] })]
    await one.worker.round()
    await sql(pools.owner, `update leases set expires_at = '-infinity' where name = 'jobs'`)
    await other.worker.round()
    await one.worker.round() // believes that it leads
    assert.equal((await jobOf(company, job)).done, 20)
  })

  test('a slice whose commit fails leaves neither work nor progress, and is done again', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const kind = counting()
    const job = await startTestJob(company, kind, { things: 20 })
    const run = jobRun(pools, { kinds: [kind] })
    t.after(() => armFailpoints(''))
    armFailpoints('job.before_commit=throw')
    await run.worker.round()
    armFailpoints('')
    assert.match(String(run.errors), /failpoint/)
    const version = `select subscription_version from company_heads where company_id = $1`
    assert.equal(await sqlValue(pools.owner, version, [company.id]), 0)
    assert.equal((await jobOf(company, job)).last_error, 'Error: failpoint job.before_commit')
    await sql(pools.owner, 'update jobs set due_at = now()')
    await run.work()
    assert.equal(await sqlValue(pools.owner, version, [company.id]), 20)
    assert.deepEqual(countsOf(await jobOf(company, job)), ['succeeded', 20, 20, {}])
  })

  test('a slice that the database refuses rests its job, not the others, and after five in a row the job has failed', async (t) => {
    const { pools } = await testDatabase(t)
    const [company, other] = [await testCompany(pools), await testCompany(pools)]
    const kind = counting((companyId) => (companyId === company.id ? { done: NaN } : {}))
    const [job, fine] = [
      await startTestJob(company, kind, { things: 20 }),
      await startTestJob(other, kind, { things: 20 }),
    ]
    const run = jobRun(pools, { kinds: [kind] })
    for (let round = 1; round <= 5; round++) {
      await run.work()
      assert.equal(run.errors.length, round)
      const { state, last_error: error } = await jobOf(company, job)
      assert.equal(state, round < 5 ? 'running' : 'failed')
      assert.match(error ?? '', /^22P02: /)
      await sql(pools.owner, 'update jobs set due_at = now()')
    }
    await run.work()
    assert.equal(run.errors.length, 5)
    assert.deepEqual(countsOf(await jobOf(other, fine)), ['succeeded', 20, 20, {}])
    assert.deepEqual((await told(company)).at(-1), ['daybook.job.failed', 'system', { things: 20 }, 'failed', 20, 0])
    const version = `select subscription_version from company_heads where company_id = $1`
    assert.equal(await sqlValue(pools.owner, version, [company.id]), 0)
  })

  test('keeps the pace that a job asks for, and looks again when the next slice is due', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const kind = counting(() => ({ paceMs: 400 }))
    const job = await startTestJob(company, kind, { things: 30 })
    const run = jobRun(pools, { kinds: [kind] })
    await run.work()
    assert.equal((await jobOf(company, job)).done, 10)
    const restMs = await run.worker.round()
    assert.ok(restMs > 0 && restMs <= 400, `${restMs} ms`)
    // One that comes late is made up for, but not by more than a second's worth.
    await sql(pools.owner, `update jobs set due_at = now() - interval '1 hour'`)
    await run.worker.slice()
    const lateMs = `select (extract(epoch from now() - due_at) * 1000)::float8 from jobs`
    const late = Number(await sqlValue(pools.owner, lateMs))
    assert.ok(late > 500 && late < 60_000, `${late} ms`)
    await run.work()
    assert.deepEqual(countsOf(await jobOf(company, job)), ['succeeded', 30, 30, {}])
  })

  test('leaves alone what a newer version knows how to do', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const job = await startTestJob(company, counting(), { things: 20 })
    const run = jobRun(pools)
    await run.work()
    assert.deepEqual([countsOf(await jobOf(company, job)), run.errors], [['queued', 20, 0, {}], []])
  })
})

describe('a job', () => {
  test('over nothing has succeeded when it is started, where its kind says that this is all', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const kind = counting()
    const run = jobRun(pools, { kinds: [kind] })
    const worked = await startTestJob(company, kind, { things: 0 })
    assert.deepEqual(countsOf(worked), ['queued', 0, 0, {}])
    await run.work()
    assert.deepEqual(countsOf(await jobOf(company, worked)), ['succeeded', 0, 0, {}])
    const atOnce = await startTestJob(company, { ...kind, isEmptyDone: true }, { things: 0 })
    assert.deepEqual(countsOf(atOnce), ['succeeded', 0, 0, {}])
    assert.deepEqual(
      (await told(company)).map((event) => [event].flat()[0]),
      ['started', 'succeeded', 'started', 'succeeded'].map((word) => `daybook.job.${word}`),
    )
  })

  test('[change-with-event] that is cancelled keeps what it did, does no more, and tells of it', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const kind = counting()
    const job = await startTestJob(company, kind, { things: 30 })
    const run = jobRun(pools, { kinds: [kind] })
    await run.worker.round()
    const cancel = async () =>
      await company.asCompany(async (db) => await cancelJob(db, author, company.id, { id: job.id }))
    assert.deepEqual(countsOf(await cancel()), ['cancelled', 30, 10, {}])
    await run.work()
    assert.deepEqual(countsOf(await jobOf(company, job)), ['cancelled', 30, 10, {}])
    await assert.rejects(cancel(), hasCode('job_ended'))
    assert.deepEqual((await told(company)).at(-1), [
      'daybook.job.cancelled',
      'user',
      { things: 30 },
      'cancelled',
      30,
      10,
    ])
  })

  test('[change-with-event] that is paused stands still, counts as open, and goes on where it was', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const kind = counting()
    const job = await startTestJob(company, kind, { things: 30 })
    const run = jobRun(pools, { kinds: [kind] })
    const pause = async () =>
      await company.asCompany(async (db) => await pauseJob(db, author, company.id, { id: job.id }))
    const resume = async () =>
      await company.asCompany(async (db) => await resumeJob(db, author, company.id, { id: job.id }))
    assert.equal((await pause()).state, 'paused')
    assert.equal((await resume()).state, 'queued')
    await run.worker.slice()
    await pause()
    assert.equal((await pause()).state, 'paused')
    await run.work()
    assert.deepEqual(countsOf(await jobOf(company, job)), ['paused', 30, 10, {}])
    for (let open = 1; open < 20; open++) await startTestJob(company, kind, { things: 1 })
    await assert.rejects(startTestJob(company, kind, { things: 1 }), hasCode('job_limit'))
    assert.equal((await resume()).state, 'running')
    assert.equal((await resume()).state, 'running')
    await run.work()
    assert.deepEqual(countsOf(await jobOf(company, job)), ['succeeded', 30, 30, {}])
    await assert.rejects(pause(), hasCode('job_ended'))
    await assert.rejects(resume(), hasCode('job_ended'))
    const words = (await told(company)).map((event) => String([event].flat()[0]).replace('daybook.job.', ''))
    assert.deepEqual(words.slice(0, 5), ['started', 'paused', 'resumed', 'paused', 'started'])
    assert.equal(words.filter((word) => word === 'resumed').length, 2)
  })

  test('that was paused can be cancelled', async (t) => {
    const { pools } = await testDatabase(t)
    const company = await testCompany(pools)
    const job = await startTestJob(company, counting(), { things: 30 })
    await company.asCompany(async (db) => await pauseJob(db, author, company.id, { id: job.id }))
    await company.asCompany(async (db) => await cancelJob(db, author, company.id, { id: job.id }))
    assert.equal((await jobOf(company, job)).state, 'cancelled')
  })

  test('is one of 20 open ones of its company at most', async (t) => {
    const { pools } = await testDatabase(t)
    const [company, other] = [await testCompany(pools), await testCompany(pools)]
    const kind = counting()
    for (let open = 0; open < 20; open++) await startTestJob(company, kind, { things: 1 })
    await assert.rejects(startTestJob(company, kind, { things: 1 }), hasCode('job_limit'))
    await startTestJob(other, kind, { things: 1 })
    await jobRun(pools, { kinds: [kind] }).work()
    await startTestJob(company, kind, { things: 1 })
  })

  test('of more than 1,000 has to be confirmed, and its number may have moved by a tenth', () => {
    const outcome = (count: number, expected?: number): string => {
      try {
        confirmCount(count, expected)
        return 'ok'
      } catch (error) {
        return error instanceof ProblemError ? error.code : String(error)
      }
    }
    assert.equal(outcome(1_000), 'ok')
    assert.equal(outcome(1_001), 'count_required')
    assert.equal(outcome(2_200, 2_000), 'ok')
    assert.equal(outcome(1_800, 2_000), 'ok')
    assert.equal(outcome(2_201, 2_000), 'count_changed')
    assert.equal(outcome(1_799, 2_000), 'count_changed')
    assert.equal(outcome(0, 0), 'ok')
    assert.equal(outcome(1, 0), 'count_changed')
  })
})

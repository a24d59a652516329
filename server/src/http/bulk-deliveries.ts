import type { FastifyReply, FastifyRequest } from 'fastify'
import { asCompany } from '../db/transaction.ts'
import { canonicalUuid } from '../lib/ids.ts'
import { ProblemError } from '../lib/problems.ts'
import type { DeliveryChoice } from '../webhooks/jobs/delivery-choice.ts'
import type { JobKind } from '../webhooks/jobs/job-kinds.ts'
import type { Job } from '../webhooks/jobs/job-store.ts'
import { startJob } from '../webhooks/jobs/start-job.ts'
import { authorOf, principalOf } from './access.ts'
import type { HttpParts } from './http-parts.ts'
import { timeAt } from './time-range-query.ts'

/** A body of the routes that retry or cancel many. */
interface BulkInput {
  readonly filter: Partial<DeliveryChoice>
  readonly dry_run?: boolean
  readonly expected_count?: number
}

interface Counted {
  readonly kind: string
  readonly count: number
  readonly parameters: Readonly<Record<string, unknown>>
}

/** Counts, and unless that is all that was asked for, starts the job and sets the status 202. */
export async function countOrStart(
  { pools, clock, onRecorded }: HttpParts,
  kind: JobKind,
  request: FastifyRequest,
  reply: FastifyReply,
  body: BulkInput,
  defaultState: DeliveryChoice['state'],
): Promise<Counted | Job> {
  const { companyId } = principalOf(request)
  const author = authorOf(request, clock)
  const parameters = choiceOf(body.filter, defaultState, author.nowMs)
  if (body.dry_run) {
    const count = await asCompany(pools.api, companyId, (db) => kind.count(db, companyId, parameters))
    return { kind: kind.kind, count, parameters: { ...parameters } }
  }
  const job = await asCompany(pools.api, companyId, (db) =>
    startJob(db, author, companyId, kind, parameters, body.expected_count),
  )
  onRecorded()
  reply.code(202)
  return job
}

/** With times that stand still, whenever the job comes to look at them. */
function choiceOf(filter: BulkInput['filter'], defaultState: DeliveryChoice['state'], nowMs: number): DeliveryChoice {
  const { state = defaultState, subscription_id, event_name, reason, from, to } = filter
  return {
    state,
    ...(subscription_id !== undefined && { subscription_id: uuidOf(subscription_id) }),
    ...(event_name !== undefined && { event_name }),
    ...(reason !== undefined && { reason }),
    ...(from !== undefined && { from: timeAt('/filter/from', from, nowMs)?.toISOString() }),
    ...(to !== undefined && { to: timeAt('/filter/to', to, nowMs)?.toISOString() }),
  }
}

function uuidOf(text: string): string {
  const id = canonicalUuid(text)
  if (id !== undefined) return id
  const pointer = '/filter/subscription_id'
  const message = 'Must be a UUID'
  throw new ProblemError('invalid_request', `The body at ${pointer}: ${message}`, [
    { pointer, code: 'format', message },
  ])
}

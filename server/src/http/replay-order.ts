import type { Static } from 'typebox'
import type { ReplayInput } from '../contract/replay.ts'
import { canonicalUuid } from '../lib/ids.ts'
import { ProblemError } from '../lib/problems.ts'
import type { ReplayOrder } from '../webhooks/replay/start-replay.ts'
import { timeAt } from './time-range-query.ts'

const RATE_DEFAULT = 50

/** What a body orders. Throws invalid_request or invalid_time. */
export function replayOrderOf(body: Static<typeof ReplayInput>, nowMs: number): ReplayOrder {
  const { source, target, mode = 'all', rate = RATE_DEFAULT, reason } = body
  const { from, to, entities, ...rest } = source
  return {
    source: {
      ...rest,
      from: timeAt('/source/from', from, nowMs),
      to: timeAt('/source/to', to, nowMs),
      ...(entities && { entities: entities.map(({ type, id }) => ({ type, id: String(id) })) }),
    },
    target: { subscription_ids: [...new Set(target.subscription_ids.map(uuidOf))] },
    mode,
    rate,
    reason,
  }
}

function uuidOf(text: string, index: number): string {
  const id = canonicalUuid(text)
  if (id !== undefined) return id
  const pointer = `/target/subscription_ids/${index}`
  const message = 'Must be a UUID'
  throw new ProblemError('invalid_request', `The body at ${pointer}: ${message}`, [
    { pointer, code: 'format', message },
  ])
}

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
  if (rest.from_position !== undefined && rest.to_position !== undefined && rest.from_position > rest.to_position) {
    throw wrongAt('/source/to_position', 'range', 'Must not be before from_position')
  }
  if (rest.include_related && !entities) {
    throw wrongAt('/source/include_related', 'dependency', 'Says something of entities, and none are given')
  }
  const times = { from: timeAt('/source/from', from, nowMs), to: timeAt('/source/to', to, nowMs) }
  if (times.from && times.to && times.from > times.to) {
    const message = 'Must not be before from'
    throw new ProblemError('invalid_time', message, [{ pointer: '/source/to', code: 'range', message }])
  }
  return {
    source: {
      ...rest,
      ...times,
      ...(entities && { entities: entities.map(({ type, id }) => ({ type, id: String(id) })) }),
    },
    target: { subscription_ids: idsOf(target.subscription_ids) },
    mode,
    rate,
    reason,
  }
}

/** Each once, since it would be sent only once. */
function idsOf(texts: readonly string[]): readonly string[] {
  const ids = new Set<string>()
  for (const [index, text] of texts.entries()) {
    const pointer = `/target/subscription_ids/${index}`
    const id = canonicalUuid(text)
    if (id === undefined) throw wrongAt(pointer, 'format', 'Must be a UUID')
    if (ids.has(id)) throw wrongAt(pointer, 'uniqueItems', 'Names a subscription that was named before')
    ids.add(id)
  }
  return [...ids]
}

function wrongAt(pointer: string, code: string, message: string): ProblemError {
  return new ProblemError('invalid_request', `The body at ${pointer}: ${message}`, [{ pointer, code, message }])
}

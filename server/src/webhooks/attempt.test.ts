import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDelivery } from '../../test/support/test-delivery.ts'
import { systemClock } from '../lib/clock.ts'
import { attemptDelivery } from './attempt.ts'
import { parseEgressAllow } from './egress-policy.ts'
import type { Handed } from './hand-over.ts'
import { HttpPoster } from './http-post.ts'
import { OAuthTokens } from './oauth-tokens.ts'
import type { PostErrorClass, PostResult } from './post-result.ts'

class FailingPoster extends HttpPoster {
  readonly #errorClass: PostErrorClass

  constructor(errorClass: PostErrorClass) {
    super({ allow: parseEgressAllow('') })
    this.#errorClass = errorClass
  }

  override async post(): Promise<PostResult> {
    return { kind: 'error', errorClass: this.#errorClass, message: '', sent: false, timings: { totalMs: 1 } }
  }
}

const delivery: Handed = { ...testDelivery('https://example.com/'), attemptNo: 4 }

const userAgent = 'Daybook/test'

const attempt = async (errorClass: PostErrorClass, wishes: Partial<Handed['subscription']> = {}) => {
  const poster = new FailingPoster(errorClass)
  return await attemptDelivery(
    {
      clock: systemClock,
      poster,
      tokens: new OAuthTokens({ clock: systemClock, poster, userAgent }),
      schedule: [60_000, 300_000, 900_000],
      random: () => 0.5,
      userAgent,
    },
    { ...delivery, subscription: { ...delivery.subscription, ...wishes } },
    Buffer.from('{}'),
  )
}

test('what ends with us and not with the receiver is unknown and made again soon, also after the last planned attempt', async () => {
  const { outcome, reason, delayMs } = await attempt('local_shortage')
  assert.deepEqual({ outcome, reason, delayMs }, { outcome: 'unknown', reason: 'local_shortage', delayMs: 5_000 })
  const cancelled = await attempt('cancelled')
  assert.deepEqual([cancelled.outcome, cancelled.reason, cancelled.delayMs], ['unknown', 'cancelled', 0])
  const refused = await attempt('connect_refused')
  assert.deepEqual([refused.outcome, refused.reason, refused.delayMs], ['failed', 'connect_refused', undefined])
})

test('a subscription’s own schedule stands instead of the operator’s', async () => {
  const longer = await attempt('connect_refused', { retrySchedule: [1_000, 2_000, 3_000, 4_000] })
  assert.deepEqual([longer.outcome, longer.delayMs], ['will_retry', 4_000])
  const none = await attempt('connect_refused', { retrySchedule: [] })
  assert.deepEqual([none.outcome, none.delayMs], ['failed', undefined])
})

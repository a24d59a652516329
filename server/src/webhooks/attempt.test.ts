import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../lib/clock.ts'
import { attemptDelivery } from './attempt.ts'
import { parseEgressAllow } from './egress-policy.ts'
import type { Handed } from './hand-over.ts'
import { HttpPoster } from './http-post.ts'
import { OutgoingEvent } from './outgoing-event.ts'
import type { PostErrorClass, PostResult } from './post-result.ts'
import { decodeSigningSecret } from './sign.ts'

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

const handed: Handed = {
  id: '01900000-0000-8000-8000-000000000001',
  event: new OutgoingEvent(
    '01900000-0000-7000-8000-000000000002',
    '01900000-0000-7000-8000-000000000003',
    1,
    'payload_gone',
  ),
  subscription: {
    companyId: '01900000-0000-7000-8000-000000000002',
    id: '01900000-0000-7000-8000-000000000004',
    version: 1,
    webhookUrl: 'https://example.com/',
    eventNames: ['*'],
    status: 'active',
    concurrency: 1,
    timeoutMs: 1_000,
    url: new URL('https://example.com/'),
    secrets: [{ key: decodeSigningSecret(`whsec_${Buffer.alloc(32).toString('base64')}`), expiresAtMs: Infinity }],
  },
  leaseToken: '01900000-0000-7000-8000-000000000005',
  attemptNo: 4,
  firstAttemptNo: 1,
}

const attempt = async (errorClass: PostErrorClass) =>
  await attemptDelivery(
    {
      clock: systemClock,
      poster: new FailingPoster(errorClass),
      schedule: [60_000, 300_000, 900_000],
      random: () => 0.5,
      userAgent: 'Daybook/test',
    },
    handed,
    Buffer.from('{}'),
  )

test('what ends with us and not with the receiver is unknown and made again soon, also after the last planned attempt', async () => {
  const { outcome, reason, delayMs } = await attempt('local_shortage')
  assert.deepEqual({ outcome, reason, delayMs }, { outcome: 'unknown', reason: 'local_shortage', delayMs: 5_000 })
  const cancelled = await attempt('cancelled')
  assert.deepEqual([cancelled.outcome, cancelled.reason, cancelled.delayMs], ['unknown', 'cancelled', 0])
  const refused = await attempt('connect_refused')
  assert.deepEqual([refused.outcome, refused.reason, refused.delayMs], ['failed', 'connect_refused', undefined])
})

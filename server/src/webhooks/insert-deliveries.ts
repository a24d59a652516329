import { rowShape } from '../db/rows.ts'
import { command, statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import type { RoutedEvent } from '../events/event.ts'
import { deliveryId } from '../lib/ids.ts'

/** A delivery as it is first written: due now, or leased to the process that will attempt it at once. */
export interface NewDelivery {
  readonly id: string
  readonly companyId: string
  readonly subscriptionId: string
  readonly eventId: string
  readonly position: number
  readonly lease?: { readonly token: string; readonly ms: number }
}

const shape = rowShape<NewDelivery>({
  company_id: ['uuid', (delivery) => delivery.companyId],
  id: ['uuid', (delivery) => delivery.id],
  subscription_id: ['uuid', (delivery) => delivery.subscriptionId],
  event_id: ['uuid', (delivery) => delivery.eventId],
  position: ['bigint', (delivery) => delivery.position],
  lease_token: ['uuid', ({ lease }) => lease?.token],
  lease_ms: ['int', ({ lease }) => lease?.ms],
})

const insertRows = command<readonly unknown[]>(
  'delivery.insert',
  `insert into webhook_deliveries
          (company_id, id, subscription_id, event_id, position, attempts, due_at, lease_token)
   select company_id, id, subscription_id, event_id, position, case when lease_token is null then 0 else 1 end,
          now() + coalesce(lease_ms, 0) * interval '1 millisecond', lease_token
     from ${shape.from()}
   on conflict (company_id, id) do nothing`,
)

/** One of the past: never leased when it is written, and perhaps of a replay. */
export interface LateDelivery extends Omit<NewDelivery, 'lease'> {
  readonly replayId?: string
}

const lateShape = rowShape<LateDelivery>({
  company_id: ['uuid', (delivery) => delivery.companyId],
  id: ['uuid', (delivery) => delivery.id],
  subscription_id: ['uuid', (delivery) => delivery.subscriptionId],
  event_id: ['uuid', (delivery) => delivery.eventId],
  position: ['bigint', (delivery) => delivery.position],
  replay_id: ['uuid', (delivery) => delivery.replayId],
})

const insertMissingRows = statement<readonly unknown[], { id: string }>(
  'delivery.insert_missing',
  `insert into webhook_deliveries (company_id, id, subscription_id, event_id, position, replay_id, due_at)
   select company_id, id, subscription_id, event_id, position, replay_id, now()
     from ${lateShape.from()}
   on conflict (company_id, id) do nothing
   returning id`,
)

/** Writes deliveries; one that is there already (same subscription, event and replay) stays as it is. */
export async function insertDeliveries(db: Db, deliveries: readonly NewDelivery[]): Promise<number> {
  if (deliveries.length === 0) return 0
  return await insertRows(db, ...shape.values(deliveries))
}

/** Likewise, due now, answering with the ids of those that were not there. */
export async function insertMissing(db: Db, deliveries: readonly LateDelivery[]): Promise<readonly string[]> {
  if (deliveries.length === 0) return []
  return (await insertMissingRows(db, ...lateShape.values(deliveries))).map(({ id }) => id)
}

export function toDelivery(
  event: Pick<RoutedEvent, 'companyId' | 'id' | 'position'>,
  subscriptionId: string,
): Omit<NewDelivery, 'lease'> {
  return {
    id: deliveryId(subscriptionId, event.id),
    companyId: event.companyId,
    subscriptionId,
    eventId: event.id,
    position: event.position,
  }
}

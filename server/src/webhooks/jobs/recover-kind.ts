export const RECOVER_KIND = 'recover_events'

/** Positions that passed a subscription by, and are to be sent to it after all. */
export interface RecoverRange {
  readonly subscription_id: string
  readonly from_position: number
  readonly to_position: number
  /**
   * The subscription is ordered, or held, and gets no new events yet. What is recorded meanwhile belongs to the range too;
   * where the log ends new events come to it again, so that all of it comes in order.
   */
  readonly then_active: boolean
  /** The subscription was not active while all of it was recorded, so none of it was ever owed to it. */
  readonly was_held?: boolean
  /** The replay that held these events back. */
  readonly after_replay?: string
}

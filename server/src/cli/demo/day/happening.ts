/** An event of the day in the form in which it is published. */
export interface Happening {
  /** UUIDv7. */
  readonly id: string
  readonly event_name: string
  readonly payload: Readonly<Record<string, unknown>>
  readonly occurred_at: string
  readonly actor: Actor
  readonly source: string
  /** The same in all events of one story: a call and the booking that it led to. */
  readonly correlation_id: string
  /** The id of the event of the same story that led to this one; absent in the first. */
  readonly causation_id?: string
}

export interface Actor {
  readonly type: 'customer' | 'staff' | 'agent' | 'system'
  readonly id: string
  readonly name?: string
}

/** What becomes of one cause: yields an event as it happens, or a number of milliseconds that pass before it goes on. */
export type Story = Generator<Happening | number, void, void>

/** The red thread of a story. */
export interface Thread {
  readonly correlationId: string
  readonly source: string
  lastEventId?: string
}

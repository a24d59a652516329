import type { FilteredEvent } from '../../lib/filter/event-fields.ts'
import { eventMessage } from '../../lib/server-sent-events.ts'
import type { ChosenFields, EventView } from '../event-view.ts'
import { eventJson } from '../event-view.ts'
import { toFilteredEvent } from '../filtered-event.ts'
import type { LookedAt } from './stream-selection.ts'

/** An event on its way to listeners: parsed once, and written once as long as nobody wants only some of its members. */
export class HeldEvent implements LookedAt {
  readonly view: EventView
  readonly position: number
  /** Bytes that it takes, roughly: the payload, the message around it, and the objects. */
  readonly weight: number
  #filtered: FilteredEvent | undefined
  #whole: string | undefined

  constructor(view: EventView) {
    if (view.position === null) throw new Error('An event without a position is in no stream')
    this.view = view
    this.position = view.position
    this.weight = 2 * (view.payload_text?.length ?? 0) + 2_000
  }

  filtered(): FilteredEvent {
    if (!this.#filtered) {
      const read = toFilteredEvent(this.view)
      let parsed: { readonly payload: unknown } | undefined
      this.#filtered = {
        fields: read.fields,
        get payload() {
          parsed ??= { payload: read.payload }
          return parsed.payload
        },
      }
    }
    return this.#filtered
  }

  message(fields: ChosenFields): string {
    if (fields) return this.#write(fields)
    return (this.#whole ??= this.#write(undefined))
  }

  /** Lets go of the parsed payload; it is parsed again when somebody asks. */
  forgetParsed(): void {
    this.#filtered = undefined
  }

  #write(fields: ChosenFields): string {
    const { view, position } = this
    return eventMessage({ id: position, name: view.event_name, json: eventJson(view, fields) })
  }
}

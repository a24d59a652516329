import type { NewEvent } from '../../src/events/event.ts'
import type { EventInput } from '../../src/events/prepare-events.ts'
import { prepareEvent } from '../../src/events/prepare-events.ts'

/** An event as the publish route makes it. `text` is its payload's JSON text where that matters. */
export function newEvent(
  companyId: string,
  input: Partial<EventInput> = {},
  text: string = JSON.stringify(input.payload ?? {}),
): NewEvent {
  const context = {
    companyId,
    definitions: { get: () => undefined, names: () => [] },
    allowUndeclared: true,
    defaultActor: { type: 'api_key', id: 'test' },
    nowMs: Date.now(),
  }
  const complete = { event_name: 'thing.happened', payload: {}, ...input }
  const { event, faults } = prepareEvent(context, complete, text)
  if (faults.length > 0) throw new Error(`No event was made: ${JSON.stringify(faults)}`)
  return event
}

export function newEvents(companyId: string, count: number, input: Partial<EventInput> = {}): readonly NewEvent[] {
  return Array.from({ length: count }, () => newEvent(companyId, input))
}

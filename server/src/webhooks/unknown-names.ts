import { isReservedEventName, matchesEventName, nearestEventName } from '../events/event-names.ts'
import type { Fault } from '../lib/problems.ts'

/**
 * Names and prefixes of a subscription that no definition has, each with the one that was probably meant. They are no
 * faults: events may be defined later, or published undeclared.
 */
export function unknownNames(eventNames: readonly string[], defined: readonly string[]): readonly Fault[] {
  return eventNames.flatMap((pattern, index) => {
    if (isReservedEventName(pattern) || defined.some((name) => matchesEventName(pattern, name))) return []
    const nearest = nearestEventName(pattern, defined)
    const message = `No definition is named ${pattern}${nearest ? `; did you mean ${nearest}?` : ''}`
    return [{ pointer: `/event_names/${index}`, code: 'unknown_event_name', message }]
  })
}

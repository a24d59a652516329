import { EVENT_NAME_LENGTH_MAX, isEventName } from '../event-names.ts'

const segmentsMax = 6

/**
 * The event name for a name of a document. Dots, slashes, colons and white space separate segments, and so does the change
 * from small to capital letters: `orderCreated`, `Order Created` and `order/created` are `order.created`, `HTTPCheckFailed`
 * is `http.check.failed`. Underscores and hyphens stay: `ORDER_CREATED` is `order_created`. Nothing else is changed and
 * nothing is left out, so a name with any other character has no event name, nor has one of more than six segments.
 */
export function eventNameOf(text: string): string | undefined {
  const segments = text
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1.$2')
    .replaceAll(/([A-Z])([A-Z][a-z])/g, '$1.$2')
    .split(/[./:\s]+/)
    .filter((segment) => segment !== '')
  const name = segments.join('.').toLowerCase()
  if (segments.length > segmentsMax || name.length > EVENT_NAME_LENGTH_MAX) return undefined
  return isEventName(name) ? name : undefined
}

import { docText, typeText } from './type-text.ts'

/** What of a definition its type is made of. */
export interface TypedDefinition {
  readonly event_name: string
  readonly title: string
  readonly description: string
  readonly status: string
  readonly schema: unknown
}

/**
 * A TypeScript file with one interface, the payload of each event name, which `DaybookClient` and `createReceiver` of the SDK
 * take. The definitions stand in the order of their names, so that the same ones give the same file.
 */
export function definitionTypes(definitions: readonly TypedDefinition[]): string {
  const members = definitions
    .toSorted((one, other) => (one.event_name < other.event_name ? -1 : 1))
    .map(({ event_name: name, title, description, status, schema }) => {
      const about = [title, description].filter((text) => text !== '').join('. ')
      const isLeaving = status === 'deprecated' || status === 'archived'
      const doc = docText({ ...(about && { description: about }), deprecated: isLeaving }, '  ')
      const type = typeText(schema, { resolve: (reference) => atPointer(schema, reference) }, '  ')
      return `${doc}  readonly ${JSON.stringify(name)}: ${type}\n`
    })
  return `/** Made by \`daybook types\` from the definitions of events; not to be changed by hand. */

/** The payload of each event name. */
export interface EventPayloads {
${members.join('')}}
`
}

/** A reference within the schema itself: `#`, or `#` and an RFC 6901 pointer. Nothing for any other. */
function atPointer(schema: unknown, reference: string): { readonly schema: unknown } | undefined {
  if (reference !== '#' && !reference.startsWith('#/')) return undefined
  let place: unknown = schema
  for (const part of reference.split('/').slice(1)) {
    const key = decoded(part).replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof place !== 'object' || place === null || !Object.hasOwn(place, key)) return undefined
    place = Reflect.get(place, key)
  }
  return { schema: place }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

import type { EntityPointer } from './definitions.ts'
import { entityIdSchema, withEntityIdSchemas } from './entity-id-schema.ts'
import { readAnnotations } from './schema-annotations.ts'
import type { Incompatibility } from './schema-compatibility.ts'
import { findGaps } from './schema-inclusion.ts'
import { rootNode } from './schema-node.ts'

/**
 * What breaks because of `x-entity` and `x-related`: they ask of a payload that what stands at their pointers can be an id,
 * whatever else the schema says. A pointer that both versions have breaks nothing.
 */
export function compareEntityIds(older: unknown, newer: unknown): readonly Incompatibility[] {
  const [before, after] = [sideOf(older), sideOf(newer)]
  return [
    ...notKept(before, after).map((gap) => incompatibility('producers', gap)),
    ...notKept(after, before).map((gap) => incompatibility('consumers', gap)),
  ]
}

interface Side {
  /** With what its pointers ask for. It takes what the definition takes, and may take more. */
  readonly schema: unknown
  readonly places: readonly { readonly id: string; readonly at: string }[]
}

function sideOf(schema: unknown): Side {
  const { entity, related } = readAnnotations(schema)
  const pointers = { ...(entity && { entity }), related }
  const place = ({ id }: EntityPointer, at: string) => ({ id, at: `${at}/id` })
  return {
    schema: withEntityIdSchemas(schema, pointers),
    places: [
      ...(entity ? [place(entity, '/x-entity')] : []),
      ...related.map((one, index) => place(one, `/x-related/${index}`)),
    ],
  }
}

interface NotKept {
  readonly at: string
  readonly isUndecided: boolean
}

/** The places of which it does not follow from what is given that only an id stands there. */
function notKept(given: Side, demanded: Side): readonly NotKept[] {
  const known = new Set(given.places.map(({ id }) => id))
  const asked = demanded.places.filter(({ id }) => !known.has(id))
  if (asked.length === 0) return []
  // Copies, so that no part belongs to both.
  const demands = asked.map(({ id }) => structuredClone(entityIdSchema(id)))
  const gaps = findGaps(rootNode(given.schema), rootNode({ allOf: demands.map((demand) => demand ?? true) }))
  return asked.flatMap(({ at }, index) => {
    const below = `/allOf/${index}/`
    const own = gaps.filter(({ pointer }) => `${pointer}/`.startsWith(below) || below.startsWith(`${pointer}/`))
    if (demands[index] === undefined) return [{ at, isUndecided: true }]
    return own.length === 0 ? [] : [{ at, isUndecided: own.every(({ code }) => code === 'undecided') }]
  })
}

function incompatibility(breaks: Incompatibility['breaks'], { at, isUndecided }: NotKept): Incompatibility {
  const code = isUndecided ? 'undecided' : 'entity_id'
  return { breaks, pointer: at, code, message: messages[breaks][code] }
}

const messages = {
  producers: {
    entity_id: 'Asks for the id of an entity where the older version allows what cannot be one',
    undecided: 'It cannot be decided whether what the older version allows here can be the id of an entity',
  },
  consumers: {
    entity_id: 'The older version promises the id of an entity here, and the newer one allows what cannot be one',
    undecided: 'It cannot be decided whether what the newer version allows here can be the id of an entity',
  },
} as const

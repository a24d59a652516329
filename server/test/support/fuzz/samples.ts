import { samplePayload } from '../../../src/events/sample-payload.ts'
import { newId } from '../../../src/lib/ids.ts'
import type { ApiDocument, JsonSchema } from '../api-document.ts'
import type { KnownThings } from './known-things.ts'
import type { Random } from './random.ts'

const PER_SCHEMA = 5

/** Values that fit the document's schemas, with a meaning where their name promises one. */
export class Samples {
  readonly #document: ApiDocument
  readonly #known: KnownThings
  /** URLs that webhooks may go to. */
  readonly #urls: readonly string[]
  /** Payloads that fit the definitions of the event names. */
  readonly #payloads: ReadonlyMap<string, readonly unknown[]>
  /** By the text of the schema: many parameters have the same. */
  readonly #made = new Map<string, readonly unknown[]>()

  constructor(
    document: ApiDocument,
    known: KnownThings,
    urls: readonly string[],
    definitions: readonly { readonly event_name: string; readonly schema: unknown }[],
  ) {
    this.#document = document
    this.#known = known
    this.#urls = urls
    this.#payloads = new Map(definitions.map(({ event_name, schema }) => [event_name, severalOf(schema)]))
  }

  /** A new value; undefined where the schema allows none that could be found. */
  of(schema: JsonSchema, name: string, random: Random): unknown {
    const key = JSON.stringify(schema)
    const made = this.#made.get(key) ?? severalOf(this.#document.standingAlone(schema))
    this.#made.set(key, made)
    return this.#withMeaning(structuredClone(random.pick(made)), name, random)
  }

  #withMeaning(value: unknown, name: string, random: Random): unknown {
    if (Array.isArray(value)) {
      if (name === 'event_names')
        return [this.#eventName(random), random.pick(['*', 'order.*', 'daybook.*', 'call.ended'])]
      return value.map((one: unknown) => this.#withMeaning(one, name.replace(/s$/, ''), random))
    }
    if (typeof value !== 'object' || value === null) return this.#plainWithMeaning(value, name, random)
    const entries = Object.entries(value).map(([key, one]: [string, unknown]) => [
      key,
      this.#withMeaning(one, key, random),
    ])
    const made: Record<string, unknown> = Object.fromEntries(entries)
    if ('event_name' in made && 'payload' in made) {
      const payloads = this.#payloads.get(String(made['event_name']))
      if (payloads) made['payload'] = structuredClone(random.pick(payloads))
    }
    return made
  }

  #plainWithMeaning(value: unknown, name: string, random: Random): unknown {
    if (typeof value !== 'string') return value
    if (name === 'event_name') return this.#eventName(random)
    if (name === 'id') return newId()
    if (name.endsWith('url')) return random.pick(this.#urls)
    if (name === 'secret') return `whsec_${Buffer.alloc(32, random.below(256)).toString('base64')}`
    if (name === 'idempotency_key') return `key-${random.below(40)}`
    if (name === 'occurred_at') return new Date(Date.now() - random.below(1_000_000)).toISOString()
    if (name === 'expires_at') return new Date(Date.now() + 1_000_000_000).toISOString()
    if (name === 'from' || name === 'to') return random.pick(['-1h', '-7d', 'now', new Date().toISOString()])
    if (/_(id|name)s?$/.test(name)) return this.#known.forMember(name, random) ?? value
    return value
  }

  #eventName(random: Random): string {
    const declared = random.pick([...this.#payloads.keys()])
    return random.chance(0.5) && declared !== undefined ? declared : `fuzz.n${random.below(9)}`
  }
}

function severalOf(schema: unknown): readonly unknown[] {
  const made = Array.from({ length: PER_SCHEMA }, (_, seed) => samplePayload(schema, seed + 1))
  return made.filter((one) => one !== undefined)
}

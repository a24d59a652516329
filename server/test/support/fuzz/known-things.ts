import type { Random } from './random.ts'

const KEPT_MAX = 60

/**
 * Names of things that exist, learnt from answers: of `{"id": …}` under `/events/subscriptions` an id of `subscriptions`.
 * Old ones are forgotten, so that what was deleted is asked for now and then and no more.
 */
export class KnownThings {
  readonly #values = new Map<string, unknown[]>()
  readonly #never: ReadonlySet<unknown>

  /** @param never values that are not to be used, such as the id of the key that asks */
  constructor(never: readonly unknown[]) {
    this.#never = new Set(never)
  }

  /** @param path of the operation, with `{name}` where names stand */
  learn(path: string, body: unknown): void {
    const collection = collectionOf(path)
    const rows = Array.isArray(member(body, 'data')) ? (member(body, 'data') as readonly unknown[]) : [body]
    for (const row of rows.slice(0, 10)) {
      for (const name of ['id', 'event_name']) this.#keep(`${collection}/${name}`, member(row, name))
    }
    this.#keep(`${path}/cursor`, member(body, 'next_cursor'))
  }

  /** For the name in a path: `/events/{id}` asks for an id of `events`. */
  forPath(path: string, name: string, random: Random): string | undefined {
    return this.#draw(`${collectionOf(path.slice(0, path.indexOf(`{${name}}`)))}/${name}`, random)
  }

  /** For a member such as `subscription_id`, which asks for an id of `subscriptions`. */
  forMember(name: string, random: Random): string | undefined {
    return this.#draw(`${name.replace(/_id$/, 's')}/id`, random)
  }

  cursorOf(path: string, random: Random): string | undefined {
    return this.#draw(`${path}/cursor`, random)
  }

  #keep(place: string, value: unknown): void {
    if (typeof value !== 'string' || this.#never.has(value)) return
    const values = this.#values.get(place) ?? []
    this.#values.set(place, values)
    if (values.includes(value)) return
    values.push(value)
    if (values.length > KEPT_MAX) values.shift()
  }

  #draw(place: string, random: Random): string | undefined {
    const value = random.pick(this.#values.get(place) ?? [])
    return typeof value === 'string' ? value : undefined
  }
}

/** The last word of a path that is no name. */
function collectionOf(path: string): string {
  return path.split('/').findLast((part) => part !== '' && !part.startsWith('{')) ?? ''
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}

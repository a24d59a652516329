import type { FilteredEvent } from '../lib/filter/event-fields.ts'
import type { FilterAnchor } from '../lib/filter/filter-anchor.ts'
import { anchorValues } from '../lib/filter/filter-anchor.ts'

interface OnePath<Filter> {
  readonly keys: readonly string[]
  readonly byValue: Map<unknown, Map<string, Filter>>
}

/** Filters by the paths of their anchors, and there by the values that these demand. */
export class AnchoredFilters<Filter> {
  /** By the path as JSON. */
  readonly #paths = new Map<string, OnePath<Filter>>()

  add(id: string, { keys, values }: FilterAnchor, filter: Filter): void {
    const path = JSON.stringify(keys)
    let place = this.#paths.get(path)
    if (!place) this.#paths.set(path, (place = { keys, byValue: new Map() }))
    for (const value of values) {
      const own = place.byValue.get(value)
      if (own) own.set(id, filter)
      else place.byValue.set(value, new Map([[id, filter]]))
    }
  }

  remove(id: string, { keys, values }: FilterAnchor): void {
    const path = JSON.stringify(keys)
    const place = this.#paths.get(path)
    if (!place) return
    for (const value of values) {
      const own = place.byValue.get(value)
      own?.delete(id)
      if (own?.size === 0) place.byValue.delete(value)
    }
    if (place.byValue.size === 0) this.#paths.delete(path)
  }

  /**
   * Those that could let the event through, some more than once; all of a path that is too costly to follow. Says when it
   * goes on to the next path, so that whoever asks can look at the time.
   */
  *near(event: FilteredEvent): Iterable<Filter | 'next_path'> {
    for (const { keys, byValue } of this.#paths.values()) {
      const values = anchorValues(event, keys)
      if (!values) for (const filters of byValue.values()) yield* filters.values()
      else for (const value of new Set(values)) yield* byValue.get(value)?.values() ?? []
      yield 'next_path'
    }
  }
}

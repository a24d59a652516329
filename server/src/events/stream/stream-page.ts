import type { HeldEvent } from './held-event.ts'
import type { StreamSelection } from './stream-selection.ts'

/** What is written to a listener at once. */
export interface StreamPage {
  /** Messages; undefined when no event is wanted. */
  readonly bytes: Buffer | undefined
  /** All events up to this position were looked at. */
  readonly position: number
}

/** Of the texts of a page, in UTF-16 units; one event may come on top. It is what a listener who does not read costs. */
export const PAGE_TEXT_MAX = 64 * 1024

/** The messages of these events, as many as fit. @param end the position that is reached when all of them do */
export function makePage(events: Iterable<HeldEvent>, { fields }: StreamSelection, end: number): StreamPage {
  const texts: string[] = []
  let length = 0
  let position: number | undefined
  for (const event of events) {
    if (length >= PAGE_TEXT_MAX) return { bytes: Buffer.from(texts.join('')), position: position ?? end }
    const text = event.message(fields)
    texts.push(text)
    length += text.length
    position = event.position
  }
  return { bytes: texts.length === 0 ? undefined : Buffer.from(texts.join('')), position: end }
}

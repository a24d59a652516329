import type { HeldEvent } from './held-event.ts'
import type { StreamSelection } from './stream-selection.ts'

/** What is written to a listener at once. */
export interface StreamPage {
  /** Messages; undefined when no event is wanted. */
  readonly bytes: Buffer | undefined
  /** All events up to this position were looked at. */
  readonly position: number
}

/** Of a page, unless it is one larger event. It is what a listener who does not read costs. */
const PAGE_BYTES_MAX = 64 * 1024

/** The messages of these events, as many as fit. @param end the position that is reached when all of them do */
export function makePage(events: Iterable<HeldEvent>, { fields }: StreamSelection, end: number): StreamPage {
  const texts: string[] = []
  let bytes = 0
  let position = end
  for (const event of events) {
    const text = event.message(fields)
    bytes += Buffer.byteLength(text)
    if (texts.length > 0 && bytes > PAGE_BYTES_MAX) return { bytes: Buffer.from(texts.join('')), position }
    texts.push(text)
    position = event.position
  }
  return { bytes: texts.length === 0 ? undefined : Buffer.from(texts.join('')), position: end }
}

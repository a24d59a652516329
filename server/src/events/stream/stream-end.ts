import { eventMessage } from '../../lib/server-sent-events.ts'

/**
 * Why a stream was ended from here: everything up to now was sent, and no more was asked for; the key is revoked or has
 * expired; this process stops; the log now ends before the position, so it is another one; what waits to be
 * taken is too much for this process, and this one has waited for long (its client is not told, since it reads nothing);
 * something is wrong here that coming back does not mend.
 */
export type EventStreamEnd =
  | 'caught_up'
  | 'key_ended'
  | 'shutting_down'
  | 'position_ahead'
  | 'not_taken'
  | 'internal_error'

/** The last message. It has no id, so it does not change where the client goes on. No event of a company has its name. */
export function endMessage(reason: EventStreamEnd): string {
  return eventMessage({ name: 'daybook.stream.closed', json: JSON.stringify({ reason }) })
}

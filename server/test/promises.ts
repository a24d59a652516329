/**
 * What Daybook promises, and whether it keeps it yet. A test cites a promise by `[id]` in its title; a kept promise that
 * no test cites fails the suite, and so does a citation of an unknown one. ARCHITECTURE.md shows this list.
 */
export interface Promised {
  readonly id: string
  readonly status: 'kept' | 'planned'
  readonly text: string
}

export const promises: readonly Promised[] = [
  {
    id: 'accepted-is-committed',
    status: 'kept',
    text: 'A 2xx to a publish is a commit (fsync on): the event, and the certainty that it will be routed.',
  },
  {
    id: 'at-least-once',
    status: 'kept',
    text: 'At least once, with a bound: an extra copy only when an outcome was unknown; all copies carry one webhook-id.',
  },
  {
    id: 'publish-idempotent',
    status: 'kept',
    text: 'Same id or idempotency key and same content: the first answer again. Other content: 409, nothing written.',
  },
  {
    id: 'bytes-arrive',
    status: 'kept',
    text: "The publisher's bytes arrive: every copy of an event has the data bytes that were published.",
  },
  {
    id: 'positions-dense',
    status: 'kept',
    text: 'Positions are dense per company and a reader that follows them never skips an event.',
  },
  {
    id: 'order-per-entity',
    status: 'kept',
    text: 'A subscription may ask for order, per entity or in all: one call at a time, by position; a copy comes before what is later.',
  },
  {
    id: 'neighbours-apart',
    status: 'kept',
    text: "One company's dead endpoints do not slow another's.",
  },
  {
    id: 'public-addresses-only',
    status: 'kept',
    text: 'No connection to an address that is not public unicast, unless the operator allows it. Checked at the socket.',
  },
  {
    id: 'companies-apart',
    status: 'kept',
    text: 'Companies cannot see each other, not even that a thing exists.',
  },
  {
    id: 'change-with-event',
    status: 'kept',
    text: 'An administrative change and its event commit together.',
  },
  { id: 'tampering-shows', status: 'planned', text: 'Merkle checkpoints per company, signed, verifiable offline.' },
  {
    id: 'no-secret-in-logs',
    status: 'kept',
    text: 'No secret and no payload byte in a log line or an error answer.',
  },
  {
    id: 'goes-on-by-itself',
    status: 'kept',
    text: 'After a kill or a database restart everything goes on by itself within 45 s / 10 s, with nothing lost.',
  },
  {
    id: 'statistics-exact',
    status: 'kept',
    text: 'Statistics equal a recount of the raw rows, whatever was killed; tests never count, replays are counted apart.',
  },
]

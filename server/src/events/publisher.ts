import { failpoint } from '../lib/failpoint.ts'
import { GroupCommit } from '../lib/group-commit.ts'
import { ProblemError } from '../lib/problems.ts'
import { isServerTrouble, sqlState } from '../db/transaction.ts'
import type { Db } from '../db/statement.ts'
import type { NewEvent } from './event.ts'
import { findRecorded } from './find-recorded.ts'
import { insertEvents } from './insert-events.ts'

/** What a publisher is told of one event. `replayed`: it was recorded by an earlier publish, which this one repeats. */
export interface Published {
  readonly id: string
  readonly eventName: string
  readonly recordedAt: string
  readonly replayed: boolean
}

interface Request {
  readonly events: readonly NewEvent[]
  /** JSON pointer to an event in what the publisher sent. */
  readonly pointer: (index: number) => string
  /** By index; filled for events that turn out to be recorded already. */
  readonly outcomes: (Published | undefined)[]
  readonly resolve: (published: readonly Published[]) => void
  readonly reject: (error: unknown) => void
}

const EVENTS_PER_COMMIT = 500
const COMMITS_AT_ONCE = 2
const EVENTS_WAITING_MAX = 20_000

/**
 * Group commit of publishes. Requests that arrive while a commit is under way share the next one, each with an outcome of
 * its own: resolved after the commit, or rejected, and then nothing of it was written (but for a lost connection, where
 * the outcome is unknown and a repeat with the same ids finds out).
 *
 * A group that fails is looked at: requests that repeat what is recorded get the first answer again, conflicting ones are
 * refused, and the rest is committed anew; where nothing explains the failure the group is halved until the guilty request
 * is alone.
 */
export class Publisher {
  readonly #db: Db
  readonly #onCommitted: (events: readonly NewEvent[]) => void
  readonly #commits: GroupCommit<Request>
  #eventsWaiting = 0

  constructor(options: { db: Db; onCommitted: (events: readonly NewEvent[]) => void }) {
    this.#db = options.db
    this.#onCommitted = options.onCommitted
    this.#commits = new GroupCommit<Request>({
      write: async (requests) => await this.#commit(requests),
      weight: (request) => request.events.length,
      weightMax: EVENTS_PER_COMMIT,
      writersMax: COMMITS_AT_ONCE,
    })
  }

  /**
   * Records the events, all or none, in this order. Rejects with idempotency_conflict or unavailable.
   * @param pointer JSON pointer to an event in what the publisher sent, for the faults
   */
  async publish(
    events: readonly NewEvent[],
    pointer: (index: number) => string = (index) => `/events/${index}`,
  ): Promise<readonly Published[]> {
    if (this.#eventsWaiting + events.length > EVENTS_WAITING_MAX) {
      throw new ProblemError('unavailable', 'Too many events wait to be written; try again in a moment')
    }
    this.#eventsWaiting += events.length
    try {
      return await new Promise((resolve, reject) => {
        this.#commits.add({ events, pointer, outcomes: events.map(() => undefined), resolve, reject })
      })
    } finally {
      this.#eventsWaiting -= events.length
    }
  }

  /** Resolves when every publish so far has its outcome. */
  async idle(): Promise<void> {
    await this.#commits.idle()
  }

  async #commit(requests: readonly Request[]): Promise<void> {
    const events = requests.flatMap(unwritten)
    try {
      await failpoint('publish.before_commit')
      if (events.length > 0) await insertEvents(this.#db, events)
      await failpoint('publish.after_commit')
    } catch (error) {
      await this.#settleFailure(requests, error)
      return
    }
    this.#onCommitted(events)
    for (const { events, outcomes, resolve } of requests) {
      resolve(events.map((event, index) => outcomes[index] ?? firstOutcome(event)))
    }
  }

  async #settleFailure(requests: readonly Request[], error: unknown): Promise<void> {
    if (isServerTrouble(error)) {
      // The connection broke, timed out or was ended: the commit may or may not have happened.
      for (const request of requests) request.reject(unavailable(error))
      return
    }
    try {
      const explained = sqlState(error) === UNIQUE_VIOLATION ? await this.#recognise(requests) : false
      const open = requests.filter((request) => !explained || !explained.refused.has(request))
      if (open.length === 0) return
      if (explained && explained.found) return await this.#commit(open)
      if (open.length === 1) {
        open[0]?.reject(error)
        return
      }
      const middle = Math.ceil(open.length / 2)
      await this.#commit(open.slice(0, middle))
      await this.#commit(open.slice(middle))
    } catch (failure) {
      const reason = isServerTrouble(failure) ? unavailable(failure) : failure
      for (const request of requests) request.reject(reason) // a promise settles once; the settled ones stay
    }
  }

  /** Marks events that are recorded already and refuses requests that conflict with what is recorded. */
  async #recognise(requests: readonly Request[]): Promise<{ found: boolean; refused: ReadonlySet<Request> }> {
    const recorded = await findRecorded(this.#db, requests.flatMap(unwritten))
    const refused = new Set<Request>()
    let found = false
    for (const request of requests) {
      for (const [index, event] of request.events.entries()) {
        const first = request.outcomes[index] ? undefined : recorded(event)
        if (!first) continue
        found = true
        if (first.contentDigest.equals(event.contentDigest)) {
          request.outcomes[index] = {
            id: first.id,
            eventName: event.eventName,
            recordedAt: first.recordedAt,
            replayed: true,
          }
        } else if (!refused.has(request)) {
          refused.add(request)
          request.reject(conflict(event, request.pointer(index), first.by))
        }
      }
    }
    return { found, refused }
  }
}

const UNIQUE_VIOLATION = '23505'

function unwritten({ events, outcomes }: Request): readonly NewEvent[] {
  return events.filter((_, index) => !outcomes[index])
}

function firstOutcome(event: NewEvent): Published {
  return { id: event.id, eventName: event.eventName, recordedAt: event.recordedAt, replayed: false }
}

function unavailable(cause: unknown): ProblemError {
  const problem = new ProblemError('unavailable', 'The outcome is unknown; repeat the call with the same ids')
  problem.cause = cause
  return problem
}

function conflict(event: NewEvent, at: string, by: 'id' | 'idempotency_key'): ProblemError {
  const what = by === 'id' ? `The id ${event.id}` : 'The idempotency key'
  const message = `${what} was used for other content`
  return new ProblemError('idempotency_conflict', message, [
    { pointer: `${at}/${by}`, code: 'idempotency_conflict', message },
  ])
}

import type { DbPool } from '../../db/pools.ts'
import { asCompany } from '../../db/transaction.ts'
import type { Clock } from '../../lib/clock.ts'
import { eachOf } from '../../lib/each-of.ts'
import { Loop } from '../../lib/loop.ts'
import { ProblemError } from '../../lib/problems.ts'
import type { SharedPages } from './company-feed.ts'
import { CompanyFeed } from './company-feed.ts'
import { OwnPages } from './own-pages.ts'
import { lastPosition, readHeads, readStreamPage } from './read-stream-page.ts'
import type { Lane } from './serving-turns.ts'
import { ServingTurns } from './serving-turns.ts'
import { StreamAdmission } from './stream-admission.ts'
import type { EventStreamEnd } from './stream-end.ts'
import { StreamListener } from './stream-listener.ts'
import type { StreamSelection } from './stream-selection.ts'
import type { StreamPage } from './stream-page.ts'
import type { StreamUpkeepOptions } from './stream-upkeep.ts'
import { streamUpkeep } from './stream-upkeep.ts'
import { UntakenPages } from './untaken-pages.ts'

/**
 * All who listen to the logs of their companies, in this process.
 *
 * One loop asks for the heads of the companies that have listeners, in one statement, and reads what is new of those whose
 * head has moved, once for all listeners: the database does not know how many there are. What was read is held for a
 * while ({@link CompanyFeed}). A listener is a position and nothing more: it is given what follows in what is held, or, where
 * that is no longer held, reads pages of the log until it meets it ({@link OwnPages}). Both go by position, so at
 * the hand-over nothing is missing and nothing is told twice; and a position of the trail is given after the commits before it,
 * so nothing comes later that has a smaller one.
 *
 * Nothing here has to survive: a client comes back with the last position that it got, to any process.
 */
export interface StreamHubOptions {
  /** As one company. */
  readonly api: DbPool
  /** Sees the heads of all. */
  readonly engine: DbPool
  readonly clock: Clock
  readonly keysInForce: StreamUpkeepOptions['keysInForce']
  /** Calls back once, when positions are next given by this process; without it the heads are polled. */
  readonly onceRouted?: ((wake: () => void) => void) | undefined
  /** Whether what failed may succeed in a moment; the streams wait for that. All else ends those that need it. */
  readonly isPassing: (error: unknown) => boolean
  readonly onError: (error: unknown, facts: { readonly company_id?: string }) => void
  readonly limits?: Partial<StreamLimits> | undefined
}

export interface StreamLimits {
  readonly listenersMax: number
  /** The last quarter is kept for companies that have fewer than this. */
  readonly listenersOfSmallMax: number
  readonly pollMs: number
  /** A stream on which nothing was written for so long shows that it lives. */
  readonly heartbeatMs: number
}

const defaultLimits: StreamLimits = {
  listenersMax: 2_000,
  listenersOfSmallMax: 50,
  pollMs: 250,
  heartbeatMs: 15_000,
}

export interface StreamStats {
  readonly streams: number
  /** Of them, those that have not come to the newest event that was read. */
  readonly behind: number
  /** Of events that are held for all, and of pages that wait for sockets. */
  readonly heldBytes: number
}

export interface StreamWish {
  readonly companyId: string
  readonly keyId: string
  readonly selection: StreamSelection
  /** Begins behind this position; with what comes when absent. */
  readonly after: number | undefined
  /** False: ends with the newest event of now. */
  readonly follows: boolean
}

/** Those who lost their connections at once do not come back at once. */
const RETRY_MIN_MS = 2_000
const RETRY_SPREAD_MS = 3_000
/** Of what waits for sockets. */
const UNTAKEN_BYTES_MAX = 64 * 1024 * 1024
/** Of all feeds together. */
const HELD_WEIGHT_MAX = 32 * 1024 * 1024
/** A new feed goes so far back: after a restart those who come back are some way behind, each at another position. */
const FEED_BEGINS_BACK = 500
const FEED_ROWS = 200
const FEEDS_AT_ONCE = 3
/** Between two rounds, so that a burst of commits is one read. */
const ROUND_REST_MS = 5
const ERROR_PAUSE_MS = 500
const NOBODY_LISTENS_MS = 60_000
/** What was read is read again after this, so that what a retention or an erasure has taken is not given out for ever. */
const HELD_MAX_MS = 600_000

/** All events: what a feed reads. */
const everything = { filter: {}, tests: {}, fields: undefined }

interface FeedState {
  readonly feed: CompanyFeed
  readonly listeners: Set<StreamListener>
  /** Its listeners are being given what was read. */
  round: FeedRound | undefined
  /** Until then others have the thread: giving its listeners what was read took long. */
  restUntilMs: number
  /** It was not its turn in a round since. */
  wasPassedOver: boolean
}

/** What was read goes to those who wait for nothing but that; the costly ones are served beside it. */
interface FeedRound {
  readonly waiting: Set<StreamListener>
  readonly shared: SharedPages
  readonly hasMore: boolean
  workedMs: number
}

export class StreamHub {
  readonly #options: StreamHubOptions
  readonly #limits: StreamLimits
  readonly #feeds = new Map<string, FeedState>()
  /** Counts those too who do not listen yet. */
  readonly #admission: StreamAdmission
  readonly #ownPages: OwnPages
  readonly #untaken = new UntakenPages(UNTAKEN_BYTES_MAX)
  /** Payloads of these may be parsed. */
  readonly #lookedInto = new Set<CompanyFeed>()
  readonly #turns: ServingTurns<StreamListener | FeedState>
  readonly #loop: Loop
  readonly #upkeep: Loop
  #isStopping = false

  constructor(options: StreamHubOptions) {
    const { clock, api } = options
    this.#options = options
    this.#limits = { ...defaultLimits, ...options.limits }
    this.#admission = new StreamAdmission(this.#limits)
    const onError = (error: unknown): void => options.onError(error, {})
    this.#loop = new Loop({
      clock,
      errorPauseMs: ERROR_PAUSE_MS,
      onError,
      round: async (signal) => await this.#round(signal),
    })
    this.#upkeep = streamUpkeep({
      clock,
      listeners: () => [...this.#feeds.values()].flatMap(({ listeners }) => [...listeners]),
      keysInForce: options.keysInForce,
      heartbeatMs: this.#limits.heartbeatMs,
      onError,
    })
    this.#turns = new ServingTurns({
      clock,
      step: (item) => (item instanceof StreamListener ? this.#serveOne(item) : this.#serveNext(item)),
      onError,
      onIdle: () => this.#forgetParsed(),
    })
    this.#ownPages = new OwnPages({
      pool: api,
      clock,
      onRead: (listener, page) => this.#takeOwn(listener, page),
      onError: (error, listener) => this.#fail(error, listener.companyId, [listener]),
    })
  }

  /**
   * Lets somebody listen, from {@link StreamListener.begin} on; what they are owed by then is not lost. To be given back
   * by {@link leave}. Throws too_many_streams, streams_full, position_ahead or shutting_down.
   */
  async join(wish: StreamWish): Promise<StreamListener> {
    const { companyId, after } = wish
    if (this.#isStopping) throw stopping()
    this.#admission.admit(companyId)
    try {
      const head = await asCompany(this.#options.api, companyId, async (db) => await lastPosition(db, companyId))
      if (after !== undefined && after > head) {
        throw new ProblemError('position_ahead', `The last position is ${head}`)
      }
      if (this.#isStopping) throw stopping()
      return this.#add(wish, after ?? head, head)
    } catch (error) {
      this.#admission.dismiss(companyId)
      throw error
    }
  }

  /** To be called once {@link StreamListener.begin} was: gives it what there is. */
  serve(listener: StreamListener): void {
    this.#serveAlone(listener)
    this.#loop.wake()
  }

  /** Its connection has ended, from whichever side. */
  leave(listener: StreamListener): void {
    listener.gone()
    this.#untaken.remove(listener)
    const state = this.#feeds.get(listener.companyId)
    if (!state?.listeners.delete(listener)) return
    state.feed.giveBack(listener.selection)
    if (state.listeners.size === 0) this.#feeds.delete(listener.companyId)
    this.#admission.dismiss(listener.companyId)
  }

  stats(): StreamStats {
    const stats = { streams: 0, behind: 0, heldBytes: this.#untaken.bytes }
    for (const { feed, listeners } of this.#feeds.values()) {
      stats.streams += listeners.size
      stats.heldBytes += feed.weight
      for (const { position } of listeners) if (position < feed.readTo) stats.behind++
    }
    return stats
  }

  /** Ends all streams at once, and lets nobody in any more. */
  async stop(): Promise<void> {
    this.#isStopping = true
    for (const { listeners } of this.#feeds.values()) endAll(listeners, 'shutting_down')
    await Promise.all([this.#loop.stop(), this.#upkeep.stop(), this.#ownPages.stop()])
  }

  #add({ companyId, keyId, selection, follows }: StreamWish, after: number, head: number): StreamListener {
    const state = this.#feeds.get(companyId) ?? newFeed(companyId, Math.max(0, head - FEED_BEGINS_BACK))
    const listener = new StreamListener({
      companyId,
      keyId,
      selection: state.feed.share(selection),
      after,
      until: follows ? undefined : head,
      onUntaken: (page) => this.#hold(listener, page),
      onDrained: () => {
        this.#untaken.remove(listener)
        this.#serveAlone(listener)
      },
      retryMs: Math.round(RETRY_MIN_MS + Math.random() * RETRY_SPREAD_MS),
    })
    state.listeners.add(listener)
    this.#feeds.set(companyId, state)
    this.#loop.start()
    this.#upkeep.start()
    return listener
  }

  /** Reads once what is new, of every company whose listeners have what was read before. */
  async #round(signal: AbortSignal): Promise<number> {
    if (this.#feeds.size === 0) return NOBODY_LISTENS_MS
    const { engine, clock, onceRouted } = this.#options
    const { pollMs } = this.#limits
    await clock.sleep(ROUND_REST_MS, signal)
    const nowMs = clock.elapsed()
    const open: FeedState[] = []
    for (const state of this.#feeds.values()) {
      state.wasPassedOver = state.round !== undefined || state.restUntilMs > nowMs
      if (state.wasPassedOver) continue
      open.push(state)
      state.feed.forgetOlder(nowMs - HELD_MAX_MS)
    }
    if (open.length === 0) return pollMs
    onceRouted?.(() => this.#loop.wake()) // before the heads are asked for, so that none is missed
    // Before the heads are asked for: who joins meanwhile may know of a later one.
    const reached = new Map(
      open.map(({ feed, listeners }) => {
        const positions = [...listeners].map(({ position }) => position)
        return [feed.companyId, positions.reduce((most, one) => Math.max(most, one), feed.readTo)] as const
      }),
    )
    const heads = await readHeads(
      engine,
      open.map(({ feed }) => feed.companyId),
    )
    const headOf = new Map(heads.map((row) => [row.company_id, row.last_position]))
    for (const { feed, listeners } of open) {
      // An older copy of the database was put in place of the one that was read: its next positions mean other events.
      if ((headOf.get(feed.companyId) ?? 0) < (reached.get(feed.companyId) ?? 0)) endAll(listeners, 'position_ahead')
    }
    const moved = open.filter(({ feed }) => (headOf.get(feed.companyId) ?? 0) > feed.readTo)
    await eachOf(
      moved,
      FEEDS_AT_ONCE,
      async (state) => await this.#advance(state, headOf.get(state.feed.companyId) ?? 0),
    )
    return pollMs
  }

  async #advance(state: FeedState, head: number): Promise<void> {
    const { feed } = state
    const { companyId } = feed
    try {
      const request = { after: feed.readTo, limit: FEED_ROWS, head }
      const { events, position } = await readStreamPage(this.#options.api, companyId, everything, request)
      feed.append(events, position, this.#options.clock.elapsed())
    } catch (error) {
      this.#fail(error, companyId, state.listeners)
      return
    }
    state.round = { waiting: new Set(), shared: new Map(), hasMore: feed.readTo < head, workedMs: 0 }
    for (const listener of state.listeners) {
      if (laneOf(listener) === 'quick') state.round.waiting.add(listener)
      else this.#turns.add(listener, 'costly')
    }
    this.#turns.add(state, 'quick')
  }

  /** One page for the next of the listeners of a company. Answers whether another of them waits. */
  #serveNext(state: FeedState): boolean {
    const { clock } = this.#options
    const { round } = state
    if (!round) return false
    const startMs = clock.elapsed()
    for (const listener of round.waiting) {
      round.waiting.delete(listener)
      if (this.#giveOne(state, listener, round.shared)) round.waiting.add(listener)
      break
    }
    round.workedMs += clock.elapsed() - startMs
    if (round.waiting.size > 0) return true
    void this.#endRound(state, round)
    return false
  }

  /** Never rejects. */
  async #endRound(state: FeedState, { workedMs, hasMore }: FeedRound): Promise<void> {
    const { clock } = this.#options
    state.feed.forgetParsed()
    state.feed.trim()
    this.#trimAll()
    state.round = undefined
    // As long as this took, others have the thread to themselves: half of it at most is spent here.
    if (workedMs > ROUND_REST_MS) {
      state.restUntilMs = clock.elapsed() + workedMs
      await clock.sleep(workedMs)
    }
    if (hasMore || state.wasPassedOver) this.#loop.wake()
  }

  /** When a listener has room again, or has read a page. */
  #serveAlone(listener: StreamListener): void {
    this.#turns.add(listener, laneOf(listener))
  }

  /** One page in a turn. */
  #serveOne(listener: StreamListener): boolean {
    const state = this.#feeds.get(listener.companyId)
    return state?.listeners.has(listener) === true && this.#giveOne(state, listener)
  }

  #forgetParsed(): void {
    for (const feed of this.#lookedInto) feed.forgetParsed()
    this.#lookedInto.clear()
  }

  /** One page, if there is one. Answers whether there may be another. What is wrong with one listener ends that one only. */
  #giveOne(state: FeedState, listener: StreamListener, shared?: SharedPages): boolean {
    return this.#orEnd(listener, () => this.#givePage(state, listener, shared)) === true
  }

  /** A page that it has read by itself. */
  #takeOwn(listener: StreamListener, page: StreamPage): void {
    this.#orEnd(listener, () => listener.take(page, this.#options.clock.elapsed()))
    this.#serveAlone(listener)
  }

  #orEnd<Result>(listener: StreamListener, work: () => Result): Result | undefined {
    try {
      return work()
    } catch (error) {
      this.#options.onError(error, { company_id: listener.companyId })
      listener.end('internal_error')
      return undefined
    }
  }

  #givePage({ feed }: FeedState, listener: StreamListener, shared: SharedPages | undefined): boolean {
    if (!listener.isReady) return false
    if (listener.until !== undefined && listener.position >= listener.until) {
      listener.end('caught_up')
      return false
    }
    if (listener.position >= feed.readTo) return false
    if (listener.selection.tests.filter) this.#lookedInto.add(feed)
    const page = feed.pageAfter(listener.selection, listener.position, shared)
    if (page) listener.take(page, this.#options.clock.elapsed())
    else this.#ownPages.read(listener)
    return page !== undefined
  }

  #hold(listener: StreamListener, page: Buffer): void {
    this.#untaken.add(listener, page)
    endAll(this.#untaken.takeExcess(), 'not_taken')
  }

  #trimAll(): void {
    const feeds = [...this.#feeds.values()].map(({ feed }) => feed)
    let weight = feeds.reduce((sum, feed) => sum + feed.weight, 0)
    while (weight > HELD_WEIGHT_MAX) {
      const largest = feeds.reduce((one, other) => (other.weight > one.weight ? other : one))
      weight -= largest.weight
      largest.halve()
      weight += largest.weight
    }
  }

  /** The database being away is waited for. What will fail again is told, and ends the streams that need it. */
  #fail(error: unknown, companyId: string, listeners: Iterable<StreamListener>): boolean {
    const isPassing = this.#options.isPassing(error)
    this.#options.onError(error, { company_id: companyId })
    if (!isPassing) endAll(listeners, 'internal_error')
    return isPassing
  }
}

function newFeed(companyId: string, after: number): FeedState {
  return {
    feed: new CompanyFeed(companyId, after),
    listeners: new Set(),
    round: undefined,
    restUntilMs: 0,
    wasPassedOver: false,
  }
}

/** A filter of the payload may take long. */
function laneOf({ selection }: StreamListener): Lane {
  return selection.tests.filter ? 'costly' : 'quick'
}

function stopping(): ProblemError {
  return new ProblemError('shutting_down', 'Try again; another process may answer already')
}

function endAll(listeners: Iterable<StreamListener>, reason: EventStreamEnd): void {
  for (const listener of listeners) listener.end(reason)
}

/**
 * The definitions that a company's publishes are judged by, held in memory: the standard ones and its own.
 *
 * What is held of a company is the list of its definitions with status and latest version, and the company's
 * `definition_version` it belongs to. A change made by this process is seen at once ({@link CompanyDefinitions.changed}); one
 * of another process within three seconds: every second one statement asks for the versions of all companies that are held,
 * and only what changed is read again. A publish waits for the database when its company is not held, or when that was not
 * answered for three seconds. Schemas, with the pointers in them, are read when first needed; a version never changes, so
 * nothing that was compiled is ever stale.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import type { Clock } from '../lib/clock.ts'
import { Loop } from '../lib/loop.ts'
import type { ValidatePayload } from './compile-schema.ts'
import type { CompiledSchemas } from './compiled-schemas.ts'
import type { DefinitionIndex, IndexEntry } from './definition-index.ts'
import { readDefinitionIndex, readDefinitionVersions } from './definition-index.ts'
import { isInForce } from './definition-lifecycle.ts'
import { withEntityIds } from './definitions.ts'
import type { Definitions, EntityPointer, PublishDefinition, PublishDefinitions } from './definitions.ts'

interface SchemaRow {
  event_name: string
  schema: string
  entity: EntityPointer | null
  related: readonly EntityPointer[]
}

const readSchemas = statement<
  [companyId: string, eventNames: readonly string[], versions: readonly number[]],
  SchemaRow
>(
  'definition.read_schemas',
  `select n.event_name, v.schema, v.entity, v.related
     from unnest($2::text[], $3::int[]) as n(event_name, version)
    cross join lateral (
      select schema, entity, related
        from custom_event_versions v
       where v.company_id = $1 and v.event_name = n.event_name and v.version = n.version
       limit 1
    ) v`,
)

interface Held {
  readonly index: DefinitionIndex
  /** When the look began that found it, or found it unchanged. */
  seenAt: number
  usedAt: number
}

const LOOK_EVERY_MS = 1_000
/** Publishes wait for a look when the last one is older. */
const STALE_MS = 3_000
/** What no publish used for so long is not looked at any more. */
const UNUSED_MS = 600_000
/** Definitions, a company counted as ten; beyond that the companies that were not used for longest are forgotten. */
const HELD_MAX = 100_000
const COMPANY_WEIGHT = 10
/** As many schemas are in memory at a time. */
const SLICE = 20

export interface CompanyDefinitionsOptions {
  /** Of the engine's role. */
  readonly db: Db
  readonly clock: Clock
  readonly standard: Definitions
  readonly compiled: Pick<CompiledSchemas, 'find' | 'get'>
  /** How much is held; see {@link HELD_MAX}. */
  readonly heldMax?: number
}

/** The part of a definition that its schema says. */
type Judged = Pick<PublishDefinition, 'entity' | 'related' | 'validate'>

export class CompanyDefinitions {
  readonly standard: Definitions
  readonly #options: CompanyDefinitionsOptions
  readonly #loop: Loop
  /** In the order of their last use, the oldest first. */
  readonly #held = new Map<string, Held>()
  #weight = 0
  readonly #looks = new Map<string, Promise<DefinitionIndex>>()
  /** By what `compiled` holds, and as long as it does. */
  readonly #judged = new WeakMap<ValidatePayload, Judged>()

  constructor(options: CompanyDefinitionsOptions) {
    this.#options = options
    this.standard = options.standard
    this.#loop = new Loop({
      clock: options.clock,
      round: async () => await this.look(),
      errorPauseMs: LOOK_EVERY_MS,
      onError: () => {}, // publishes look for themselves when it is too long ago, and fail by what stands against it
    })
  }

  /** Looks in the background from now on. Without it publishes do, every three seconds. */
  start(): void {
    this.#loop.start()
  }

  async stop(): Promise<void> {
    await this.#loop.stop()
  }

  /**
   * What events of these names are judged by; of other names it says nothing. Reads no more than the class promises, so the
   * usual publish asks no database.
   */
  async forPublish(companyId: string, eventNames: Iterable<string>): Promise<PublishDefinitions> {
    const { entries } = await this.#index(companyId)
    if (entries.size === 0) return this.standard
    const found = new Map<string, PublishDefinition>()
    const unread: IndexEntry[] = []
    for (const name of new Set(eventNames)) {
      const entry = entries.get(name)
      if (!entry || !isInForce(entry.status)) continue
      const fits = this.#options.compiled.find(keyOf(companyId, entry))
      const judged = fits && this.#judged.get(fits)
      if (judged) found.set(name, toPublishDefinition(entry, judged))
      else unread.push(entry)
    }
    for (let from = 0; from < unread.length; from += SLICE) {
      await this.#compile(companyId, unread.slice(from, from + SLICE), found)
    }
    return new OfCompany(this.standard, entries, found)
  }

  /** Names that have a definition, whatever its status. */
  async namesOf(companyId: string): Promise<readonly string[]> {
    const { entries } = await this.#index(companyId)
    return [...new Set([...this.standard.names(), ...entries.keys()])]
  }

  /** To be called when a change was committed: a publish that begins now is judged by it. */
  changed(companyId: string): void {
    this.#looks.delete(companyId) // one that is under way may have come too early
    const held = this.#held.get(companyId)
    if (held) this.#held.set(companyId, { ...held, seenAt: -Infinity })
  }

  /** Looks once at all that is held. Answers with the milliseconds to rest. */
  async look(): Promise<number> {
    const { db, clock } = this.#options
    const startedAt = clock.elapsed()
    this.#forgetUnused(startedAt)
    const looked = new Map(this.#held)
    if (looked.size === 0) return LOOK_EVERY_MS
    const versions = await readDefinitionVersions(db, [...looked.keys()])
    const changed = new Map<string, number>()
    for (const [companyId, held] of looked) {
      if (this.#held.get(companyId) !== held) continue // changed, forgotten, or looked at meanwhile
      const version = versions.get(companyId) ?? 0
      if (version === held.index.version) held.seenAt = startedAt
      else changed.set(companyId, version)
    }
    for (const [companyId, version] of changed) await this.#look(companyId, async () => version)
    return LOOK_EVERY_MS
  }

  async #index(companyId: string): Promise<DefinitionIndex> {
    const held = this.#held.get(companyId)
    const isFresh = held !== undefined && this.#options.clock.elapsed() - held.seenAt < STALE_MS
    const index = isFresh ? held.index : await this.#look(companyId)
    this.#use(companyId)
    return index
  }

  /** One at a time for a company; all who ask meanwhile share it. */
  #look(companyId: string, readVersion = this.#readVersion.bind(this, companyId)): Promise<DefinitionIndex> {
    const underWay = this.#looks.get(companyId)
    if (underWay) return underWay
    const isMine = (): boolean => this.#looks.get(companyId) === look
    const seenAt = this.#options.clock.elapsed()
    const before = this.#held.get(companyId)?.index
    const look = readVersion()
      .then(async (version) => await readDefinitionIndex(this.#options.db, companyId, version, before))
      .then((index) => {
        if (isMine()) this.#hold(companyId, index, seenAt)
        return index
      })
      .finally(() => {
        if (isMine()) this.#looks.delete(companyId)
      })
    this.#looks.set(companyId, look)
    return look
  }

  async #readVersion(companyId: string): Promise<number> {
    return (await readDefinitionVersions(this.#options.db, [companyId])).get(companyId) ?? 0
  }

  #hold(companyId: string, index: DefinitionIndex, seenAt: number): void {
    const before = this.#held.get(companyId)
    this.#held.set(companyId, { index, seenAt, usedAt: before?.usedAt ?? seenAt })
    this.#weight += weightOf(index) - (before ? weightOf(before.index) : 0)
    const { heldMax = HELD_MAX } = this.#options
    for (const oldest of this.#held.keys()) {
      if (this.#weight <= heldMax || oldest === companyId) break
      this.#forget(oldest)
    }
  }

  #use(companyId: string): void {
    const held = this.#held.get(companyId)
    if (!held) return
    held.usedAt = this.#options.clock.elapsed()
    this.#held.delete(companyId)
    this.#held.set(companyId, held)
  }

  #forgetUnused(now: number): void {
    for (const [companyId, { usedAt }] of this.#held) {
      if (now - usedAt < UNUSED_MS) return
      this.#forget(companyId)
    }
  }

  #forget(companyId: string): void {
    const held = this.#held.get(companyId)
    if (!held) return
    this.#held.delete(companyId)
    this.#weight -= weightOf(held.index)
  }

  /** Others have their turn after each: compiling takes milliseconds, and a batch may name many. */
  async #compile(
    companyId: string,
    entries: readonly IndexEntry[],
    found: Map<string, PublishDefinition>,
  ): Promise<void> {
    const { db, compiled } = this.#options
    const names = entries.map(({ eventName }) => eventName)
    const versions = entries.map(({ version }) => version)
    const read = await readSchemas(db, companyId, names, versions)
    const rows = new Map(read.map((row) => [row.event_name, row]))
    for (const entry of entries) {
      const row = rows.get(entry.eventName)
      if (!row) continue // deleted with all its versions by hand
      const fits = compiled.get(keyOf(companyId, entry), row.schema)
      const judged = this.#judged.get(fits) ?? judgedBy(row, fits)
      this.#judged.set(fits, judged)
      found.set(entry.eventName, toPublishDefinition(entry, judged))
      if (entries.length > 1) await nextTurn()
    }
  }
}

class OfCompany implements PublishDefinitions {
  readonly #standard: Definitions
  readonly #own: DefinitionIndex['entries']
  readonly #found: ReadonlyMap<string, PublishDefinition>

  constructor(standard: Definitions, own: DefinitionIndex['entries'], found: ReadonlyMap<string, PublishDefinition>) {
    this.#standard = standard
    this.#own = own
    this.#found = found
  }

  /** A company's own definition stands before a standard one, which may have come with an update. */
  get(eventName: string): PublishDefinition | undefined {
    return this.#own.has(eventName) ? this.#found.get(eventName) : this.#standard.get(eventName)
  }

  names(): readonly string[] {
    const own = [...this.#own.values()].filter(({ status }) => isInForce(status))
    return [...this.#standard.names(), ...own.map(({ eventName }) => eventName)]
  }

  notInForce(eventName: string): 'draft' | 'archived' | undefined {
    const status = this.#own.get(eventName)?.status
    return status === 'draft' || status === 'archived' ? status : undefined
  }
}

function weightOf({ entries }: DefinitionIndex): number {
  return COMPANY_WEIGHT + entries.size
}

function keyOf(companyId: string, { eventName, version }: IndexEntry) {
  return { companyId, eventName, version }
}

function judgedBy({ entity, related }: SchemaRow, fitsSchema: ValidatePayload): Judged {
  const pointers = { ...(entity && { entity }), related }
  return { ...pointers, validate: withEntityIds(pointers, fitsSchema) }
}

function toPublishDefinition({ eventName, version, status }: IndexEntry, judged: Judged): PublishDefinition {
  return { eventName, version, isDeprecated: status === 'deprecated', ...judged }
}

/**
 * The definitions that a company's publishes are judged by, held in memory: the standard ones and its own.
 *
 * What is held of a company is the list of its definitions with status and latest version, and the company's
 * `definition_version` it belongs to. A change made by this process is seen at once ({@link CompanyDefinitions.changed}); one
 * of another process within three seconds, because the version is asked for again when what is held is that old: one look per
 * company and interval, whatever is published, and in the background while the company goes on publishing. Schemas are read
 * when first needed; a version never changes, so nothing that was compiled is ever stale.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { statement } from '../db/statement.ts'
import type { Db } from '../db/statement.ts'
import type { Clock } from '../lib/clock.ts'
import type { ValidatePayload } from './compile-schema.ts'
import type { CompiledSchemas } from './compiled-schemas.ts'
import type { DefinitionStatus } from './definition-lifecycle.ts'
import { isInForce } from './definition-lifecycle.ts'
import { withEntityIds } from './definitions.ts'
import type { Definitions, EntityPointer, PublishDefinition, PublishDefinitions } from './definitions.ts'

const readVersion = statement<[companyId: string], { version: number }>(
  'definition.read_company_version',
  `select definition_version as version from company_heads where company_id = $1`,
)

interface IndexRow {
  event_name: string
  status: DefinitionStatus
  version: number
  entity: EntityPointer | null
  related: readonly EntityPointer[]
}

const readIndex = statement<[companyId: string], IndexRow>(
  'definition.read_index',
  `select e.event_name, e.status, v.version, v.entity, v.related
     from custom_events e
    cross join lateral (
      select version, entity, related
        from custom_event_versions v
       where v.company_id = $1 and v.event_name = e.event_name and v.version = e.latest_version
       limit 1
    ) v
    where e.company_id = $1`,
)

const readSchemas = statement<
  [companyId: string, eventNames: readonly string[], versions: readonly number[]],
  { event_name: string; schema: string }
>(
  'definition.read_schemas',
  `select n.event_name, v.schema
     from unnest($2::text[], $3::int[]) as n(event_name, version)
    cross join lateral (
      select schema
        from custom_event_versions v
       where v.company_id = $1 and v.event_name = n.event_name and v.version = n.version
       limit 1
    ) v`,
)

/** What is held of a company. */
interface Index {
  readonly version: number
  readonly custom: ReadonlyMap<string, IndexRow>
  /** When the look began that found it. */
  readonly seenAt: number
}

/** Publishes wait for a look when what is held is older. */
const STALE_MS = 3_000
/** A look is begun beside publishes when what is held is older. */
const REFRESH_MS = 1_500
/** Companies and definitions together; then everything is forgotten and looked up anew. */
const HELD_MAX = 100_000
/** As many schemas are in memory at a time. */
const SLICE = 20

export interface CompanyDefinitionsOptions {
  /** Of the engine's role. */
  readonly db: Db
  readonly clock: Pick<Clock, 'elapsed'>
  readonly standard: Definitions
  readonly compiled: Pick<CompiledSchemas, 'find' | 'get'>
}

export class CompanyDefinitions {
  readonly standard: Definitions
  readonly #options: CompanyDefinitionsOptions
  readonly #held = new Map<string, Index>()
  #heldCount = 0
  readonly #looks = new Map<string, Promise<Index>>()

  constructor(options: CompanyDefinitionsOptions) {
    this.#options = options
    this.standard = options.standard
  }

  /**
   * What events of these names are judged by; of other names it says nothing. Reads no more than the class promises, so the
   * usual publish asks no database.
   */
  async forPublish(companyId: string, eventNames: Iterable<string>): Promise<PublishDefinitions> {
    const { custom } = await this.#index(companyId)
    if (custom.size === 0) return this.standard
    const found = new Map<string, PublishDefinition>()
    const unread: IndexRow[] = []
    for (const name of new Set(eventNames)) {
      const row = custom.get(name)
      if (!row || !isInForce(row.status)) continue
      const fits = this.#options.compiled.find(keyOf(companyId, row))
      if (fits) found.set(name, toPublishDefinition(row, fits))
      else unread.push(row)
    }
    for (let from = 0; from < unread.length; from += SLICE) {
      await this.#compile(companyId, unread.slice(from, from + SLICE), found)
    }
    return new OfCompany(this.standard, custom, found)
  }

  /** Names that have a definition, whatever its status. */
  async namesOf(companyId: string): Promise<readonly string[]> {
    const { custom } = await this.#index(companyId)
    return [...new Set([...this.standard.names(), ...custom.keys()])]
  }

  /** To be called when a change was committed: a publish that begins now is judged by it. */
  changed(companyId: string): void {
    this.#looks.delete(companyId) // one that is under way may have come too early
    this.#forget(companyId)
  }

  async #index(companyId: string): Promise<Index> {
    const held = this.#held.get(companyId)
    const age = held ? this.#options.clock.elapsed() - held.seenAt : Infinity
    if (held && age < REFRESH_MS) return held
    const look = this.#look(companyId)
    if (!held || age >= STALE_MS) return await look
    look.catch(() => {}) // whoever comes when it is stale learns of it
    return held
  }

  /** One at a time for a company; all who ask meanwhile share it. */
  #look(companyId: string): Promise<Index> {
    const underWay = this.#looks.get(companyId)
    if (underWay) return underWay
    const isMine = (): boolean => this.#looks.get(companyId) === look
    const look = this.#read(companyId)
      .then((index) => {
        if (isMine()) this.#hold(companyId, index)
        return index
      })
      .finally(() => {
        if (isMine()) this.#looks.delete(companyId)
      })
    this.#looks.set(companyId, look)
    return look
  }

  async #read(companyId: string): Promise<Index> {
    const { db, clock } = this.#options
    const seenAt = clock.elapsed()
    const held = this.#held.get(companyId)
    const [head] = await readVersion(db, companyId)
    const version = head?.version ?? 0
    if (held?.version === version) return { ...held, seenAt }
    // Read after the version: it may be newer than that says, and is then read once more, but never older.
    const rows = version === 0 ? [] : await readIndex(db, companyId)
    return { version, custom: new Map(rows.map((row) => [row.event_name, row])), seenAt }
  }

  #hold(companyId: string, index: Index): void {
    this.#forget(companyId)
    if (this.#heldCount > HELD_MAX) {
      this.#held.clear()
      this.#heldCount = 0
    }
    this.#held.set(companyId, index)
    this.#heldCount += 1 + index.custom.size
  }

  #forget(companyId: string): void {
    const held = this.#held.get(companyId)
    if (!held) return
    this.#held.delete(companyId)
    this.#heldCount -= 1 + held.custom.size
  }

  /** Others have their turn after each: compiling takes milliseconds, and a batch may name many. */
  async #compile(companyId: string, rows: readonly IndexRow[], found: Map<string, PublishDefinition>): Promise<void> {
    const { db, compiled } = this.#options
    const names = rows.map((row) => row.event_name)
    const versions = rows.map((row) => row.version)
    const read = await readSchemas(db, companyId, names, versions)
    const schemas = new Map(read.map((one) => [one.event_name, one.schema]))
    for (const row of rows) {
      const schema = schemas.get(row.event_name)
      if (schema === undefined) continue // deleted with all its versions by hand
      found.set(row.event_name, toPublishDefinition(row, compiled.get(keyOf(companyId, row), schema)))
      if (rows.length > 1) await nextTurn()
    }
  }
}

class OfCompany implements PublishDefinitions {
  readonly #standard: Definitions
  readonly #custom: ReadonlyMap<string, IndexRow>
  readonly #found: ReadonlyMap<string, PublishDefinition>

  constructor(
    standard: Definitions,
    custom: ReadonlyMap<string, IndexRow>,
    found: ReadonlyMap<string, PublishDefinition>,
  ) {
    this.#standard = standard
    this.#custom = custom
    this.#found = found
  }

  /** A company's own definition stands before a standard one, which may have come with an update. */
  get(eventName: string): PublishDefinition | undefined {
    return this.#custom.has(eventName) ? this.#found.get(eventName) : this.#standard.get(eventName)
  }

  names(): readonly string[] {
    const own = [...this.#custom.values()].filter(({ status }) => isInForce(status))
    return [...this.#standard.names(), ...own.map((row) => row.event_name)]
  }

  notInForce(eventName: string): 'draft' | 'archived' | undefined {
    const status = this.#custom.get(eventName)?.status
    return status === 'draft' || status === 'archived' ? status : undefined
  }
}

function keyOf(companyId: string, { event_name: eventName, version }: IndexRow) {
  return { companyId, eventName, version }
}

function toPublishDefinition(row: IndexRow, fitsSchema: ValidatePayload): PublishDefinition {
  const pointers = { ...(row.entity && { entity: row.entity }), related: row.related }
  return {
    eventName: row.event_name,
    version: row.version,
    ...pointers,
    isDeprecated: row.status === 'deprecated',
    validate: withEntityIds(pointers, fitsSchema),
  }
}

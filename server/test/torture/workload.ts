import { setTimeout as delay } from 'node:timers/promises'
import { randomBytes } from 'node:crypto'
import type { Random } from '../../src/cli/demo/random.ts'
import { between, chance, pick, pickWeighted } from '../../src/cli/demo/random.ts'
import { newId } from '../../src/lib/ids.ts'
import type { Answer } from '../support/api.ts'
import { call, rowsOf } from '../support/api.ts'
import type { Endpoint, Publish } from './evidence.ts'
import { behaviours } from './receivers.ts'
import type { Receivers } from './receivers.ts'

export interface Tenant {
  readonly number: number
  readonly id: string
  readonly key: string
}

export interface WorkloadOptions {
  readonly tenants: readonly Tenant[]
  /** Addresses of the processes; any may be down. */
  readonly urls: readonly string[]
  readonly receivers: Receivers
  readonly random: Random
  readonly eventsPerSecond: number
}

const eventNames = ['torture.a.one', 'torture.a.two', 'torture.b.one', 'torture.b.two', 'torture.c'] as const
const wishes = [['*'], ['torture.a.*'], ['torture.b.one', 'torture.c'], ['torture.b.*'], ['torture.a.one']] as const
const PUBLISHERS = 8
const SUBSCRIPTIONS_MAX = 8
/** Shortest deadline the interface takes, so that leases run out while one watches. */
const TIMEOUT_MS = 1_000
/** A publisher that has no answer by then asks another process. What it asked for may still be done: its ids are the same. */
const PATIENCE_MS = 3_000

/** What publishers and administrators do, and what they saw of it. */
export class Workload {
  readonly publishes = new Map<string, Publish>()
  readonly endpoints = new Map<string, Endpoint>()
  /** Answers that no fault explains. */
  readonly refusals: string[] = []
  /** Publishes that got no answer, or 503. */
  unanswered = 0
  lastAcknowledgedMs = 0
  readonly #options: WorkloadOptions
  readonly #stopped = new AbortController()
  #running: Promise<unknown> = Promise.resolve()
  #number = 0

  constructor(options: WorkloadOptions) {
    this.#options = options
  }

  start(): void {
    const publishers = Array.from({ length: PUBLISHERS }, async () => await this.#publishOn())
    this.#running = Promise.all([...publishers, this.#administerOn()])
  }

  /** No new work; what has no answer yet is asked for until it has one, or left unknown by choice. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#running
  }

  async #publishOn(): Promise<void> {
    const { random, eventsPerSecond, tenants } = this.#options
    while (!this.#stopped.signal.aborted) {
      const startedAt = performance.now()
      const count = chance(random, 0.5) ? 1 : between(random, 2, 40)
      await this.#publish(pick(random, tenants), count)
      const rest = (count * PUBLISHERS * 1_000) / eventsPerSecond - (performance.now() - startedAt)
      if (rest > 0) await this.#rest(rest)
    }
  }

  async #publish(tenant: Tenant, count: number): Promise<void> {
    const { random, urls } = this.#options
    const sentMs = Date.now()
    const made = Array.from({ length: count }, (): Publish => {
      const payload = makePayload(random, this.#number++)
      const eventName = pick(random, eventNames)
      return { id: newId(), companyId: tenant.id, eventName, payload, sentMs, acknowledgedMs: undefined }
    })
    for (const one of made) this.publishes.set(one.id, one)
    const texts = made.map(({ id, eventName, payload }) => {
      return `{"event_name":"${eventName}","id":"${id}","payload":${payload},"entity_type":"thing","entity_id":"1"}`
    })
    const [path, body] =
      count === 1 ? ['/events', texts[0] ?? ''] : ['/events/batch', `{"events":[${texts.join(',')}]}`]
    for (;;) {
      const answered = this.#try(pick(random, urls), 'POST', path, body, tenant)
      const answer = await Promise.race([answered, delay(PATIENCE_MS, undefined, { ref: false })])
      if (answer && (answer.status === 200 || answer.status === 201)) {
        this.lastAcknowledgedMs = Date.now()
        for (const one of made) one.acknowledgedMs = this.lastAcknowledgedMs
        return
      }
      this.unanswered++
      // Some publishers give up: then the event may be there or not.
      if (chance(random, 0.15)) return
      await delay(200)
    }
  }

  async #administerOn(): Promise<void> {
    const { random, tenants } = this.#options
    for (const tenant of tenants) for (let n = 0; n < 4; n++) await this.#create(tenant)
    while (!this.#stopped.signal.aborted) {
      const tenant = pick(random, tenants)
      const act = pickWeighted(random, [
        [async () => await this.#create(tenant), 2],
        [async () => await this.#edit(tenant), 3],
        [async () => await this.#onOne(tenant, 'POST', '/disable'), 1],
        [async () => await this.#onOne(tenant, 'POST', '/enable'), 4],
        [async () => await this.#delete(tenant), 1],
        [async () => await this.#rotate(tenant), 2],
        [async () => await this.#onDelivery(tenant, 'retry'), 3],
        [async () => await this.#onDelivery(tenant, 'cancel'), 2],
      ] as const)
      await act()
      await this.#rest(between(random, 50, 500))
    }
  }

  async #create(tenant: Tenant): Promise<void> {
    const { random, receivers } = this.#options
    const own = [...this.endpoints.values()].filter((one) => one.companyId === tenant.id && one.deletedMs === undefined)
    if (own.length >= SUBSCRIPTIONS_MAX) return
    const path = `/c${tenant.number}/s${this.#number++}`
    const secret = newSecret()
    const endpoint: Endpoint = { companyId: tenant.id, secrets: [], subscriptionId: undefined, deletedMs: undefined }
    endpoint.secrets.push({ secret, sentMs: Date.now(), acknowledgedMs: undefined, overlapMs: 0 })
    this.endpoints.set(path, endpoint)
    receivers.behave(path, chance(random, 0.4) ? 'ok' : pick(random, behaviours))
    const answer = await this.#ask(tenant, 'POST', '/events/subscriptions', {
      webhook_url: receivers.url + path,
      event_names: pick(random, wishes),
      timeout_ms: TIMEOUT_MS,
      concurrency: pick(random, [1, 4, 32]),
      secret,
    })
    const id = answer?.body['id']
    if (answer?.status === 201 && typeof id === 'string') endpoint.subscriptionId = id
  }

  async #edit(tenant: Tenant): Promise<void> {
    const { random, receivers } = this.#options
    const one = this.#pickEndpoint(tenant)
    if (!one) return
    const path = chance(random, 0.5) ? `${one.path}/v${this.#number++}` : one.path
    receivers.behave(path, chance(random, 0.5) ? 'ok' : pick(random, behaviours))
    const change = { webhook_url: receivers.url + path, event_names: pick(random, wishes) }
    await this.#ask(tenant, 'PATCH', `/events/subscriptions/${one.id}`, change)
  }

  async #delete(tenant: Tenant): Promise<void> {
    const one = this.#pickEndpoint(tenant)
    if (!one) return
    const answer = await this.#ask(tenant, 'DELETE', `/events/subscriptions/${one.id}`)
    // Not found: an earlier try went through without an answer.
    if (answer && (answer.status < 300 || answer.status === 404)) one.endpoint.deletedMs = Date.now()
  }

  async #rotate(tenant: Tenant): Promise<void> {
    const one = this.#pickEndpoint(tenant)
    if (!one) return
    const overlapSeconds = pick(this.#options.random, [0, 2, 60])
    const secret = newSecret()
    const use = {
      secret,
      sentMs: Date.now(),
      acknowledgedMs: undefined as number | undefined,
      overlapMs: overlapSeconds * 1_000,
    }
    one.endpoint.secrets.push(use)
    const change = { secret, overlap_seconds: overlapSeconds }
    const answer = await this.#ask(tenant, 'POST', `/events/subscriptions/${one.id}/rotate-secret`, change)
    if (answer?.status === 200) use.acknowledgedMs = Date.now()
  }

  async #onOne(tenant: Tenant, method: string, action: string): Promise<void> {
    const one = this.#pickEndpoint(tenant)
    if (one) await this.#ask(tenant, method, `/events/subscriptions/${one.id}${action}`)
  }

  async #onDelivery(tenant: Tenant, action: 'retry' | 'cancel'): Promise<void> {
    const state =
      action === 'cancel' ? 'pending' : pick(this.#options.random, ['pending', 'failed', 'cancelled', 'delivered'])
    const list = await this.#ask(tenant, 'GET', `/events/deliveries?state=${state}&limit=50`)
    if (list?.status !== 200 || rowsOf(list).length === 0) return
    const row = pick(this.#options.random, rowsOf(list))
    await this.#ask(tenant, 'POST', `/events/deliveries/${String(row['id'])}/${action}`)
  }

  /** Everything active again, so that what waits can go out. */
  async enableAll(): Promise<void> {
    for (const tenant of this.#options.tenants) {
      const list = await this.#ask(tenant, 'GET', '/events/subscriptions?limit=200')
      if (list?.status !== 200) throw new Error(`No list of subscriptions: ${list?.status}`)
      for (const row of rowsOf(list)) {
        if (row['status'] === 'active' || row['status'] === 'deleted') continue
        const answer = await this.#ask(tenant, 'POST', `/events/subscriptions/${String(row['id'])}/enable`)
        if (answer?.status !== 200) throw new Error(`Not enabled: ${answer?.status}`)
      }
    }
  }

  #pickEndpoint(tenant: Tenant): { path: string; id: string; endpoint: Endpoint } | undefined {
    const known = [...this.endpoints].flatMap(([path, endpoint]) => {
      const { companyId, subscriptionId: id, deletedMs } = endpoint
      return companyId === tenant.id && id !== undefined && deletedMs === undefined ? [{ path, id, endpoint }] : []
    })
    return known.length > 0 ? pick(this.#options.random, known) : undefined
  }

  async #ask(tenant: Tenant, method: string, path: string, body?: unknown): Promise<Answer | undefined> {
    return await this.#try(pick(this.#options.random, this.#options.urls), method, path, body, tenant)
  }

  /** No answer, or one that says "not now", is what faults do; any other refusal is noted. */
  async #try(url: string, method: string, path: string, body: unknown, tenant: Tenant): Promise<Answer | undefined> {
    let answer: Answer
    try {
      answer = await call(url, method, path, body, tenant.key)
    } catch {
      return undefined
    }
    if (answer.status === 503) return undefined
    if (answer.status >= 400 && answer.status !== 404 && answer.status !== 409) {
      this.refusals.push(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    }
    return answer
  }

  async #rest(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#stopped.signal }).catch(() => undefined)
  }
}

/** Texts that a parser would not give back as they were: spelled numbers, escapes, blanks, a key twice as long as others. */
function makePayload(random: Random, number: number): string {
  return pick(random, [
    `{"n":${number},"spelled":1.50}`,
    `{ "n" : ${number} , "big":12345678901234567890 }`,
    `{"n":${number},"text":"\\u00e9é\\/ \\ud83d\\ude00"}`,
    `[${number},1e2,-0.0,null]`,
    `{"n":${number},"long":"${'x'.repeat(between(random, 1, 3_000))}"}`,
  ])
}

function newSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`
}

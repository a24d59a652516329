/**
 * Names of webhook hosts to addresses. Nothing here decides whether an address may be called: what is answered is judged
 * anew for every connection (`guarded-connect.ts`), remembered or not.
 *
 * - Answers are remembered as long as their records say, a minute at most; that there is none, for five seconds.
 * - Callers who want the same name at once share one look-up.
 * - A company's look-ups wait for each other beyond a bound. So hosts whose name servers never answer hold up their own
 *   company and no other. A look-up takes five seconds at most.
 * - The hosts file and the system's search domains count for names that the operator listed, and for no other: such a
 *   look-up needs one of the process's few threads.
 */
import { lookup } from 'node:dns/promises'
import { type EgressAllow, isLocalhost, localhostAddresses } from './egress-policy.ts'
import { type NameAnswer, queryAddresses } from './query-addresses.ts'
import { TurnsByKey } from './turns-by-key.ts'

/**
 * All addresses of a name, written as in a URL without a trailing dot. Rejects, or answers an empty list, when it has
 * none. `companyId` is whose turn it takes.
 */
export type ResolveHost = (hostname: string, companyId?: string) => Promise<readonly string[]>

export interface HostResolverOptions {
  readonly allow: EgressAllow
  /** Name servers as `ip`, `ip:port`, `[ip]:port`. Default: the system's, as they are at each look-up. */
  readonly servers?: readonly string[]
  /** Names beside the listed ones for which the hosts file counts. */
  readonly systemNames?: readonly string[]
  /** Default 5 s. */
  readonly limitMs?: number
  /** Monotonic milliseconds. */
  readonly now?: () => number
}

interface Remembered {
  readonly addresses: readonly string[]
  readonly untilMs: number
}

const answerSecondsMax = 60
const noAnswerMs = 5_000
const rememberedMax = 10_000
/** Of a longer answer the rest is ignored, and never dialled. */
const addressesMax = 32
const atOncePerCompany = 16
/** Listed names may be in the hosts file only; name servers that hang must not use up the time for it. */
const queryShareOfListed = 0.4
/** Of libuv's four threads, which files need as well. */
const systemLookupsAtOnce = 2

export class HostResolver {
  readonly #allow: EgressAllow
  readonly #servers: readonly string[]
  readonly #systemNames: ReadonlySet<string>
  readonly #limitMs: number
  readonly #now: () => number
  /** In the order of their making, so that the oldest is forgotten first. */
  readonly #remembered = new Map<string, Remembered>()
  readonly #underWay = new Map<string, Promise<readonly string[]>>()
  readonly #turns = new TurnsByKey(atOncePerCompany)
  readonly #systemTurns = new TurnsByKey(systemLookupsAtOnce)

  constructor(options: HostResolverOptions) {
    this.#allow = options.allow
    this.#servers = options.servers ?? []
    this.#systemNames = new Set([...options.allow.hosts, ...(options.systemNames ?? [])])
    this.#limitMs = options.limitMs ?? 5_000
    this.#now = options.now ?? (() => performance.now())
  }

  readonly resolve: ResolveHost = async (host, companyId) => {
    if (isLocalhost(host)) return localhostAddresses(host, this.#allow)
    return this.#recall(host) ?? (await (this.#underWay.get(host) ?? this.#inTurn(host, companyId ?? siteOf(host))))
  }

  async #inTurn(host: string, key: string): Promise<readonly string[]> {
    if (!(await this.#turns.take(key, this.#limitMs))) return []
    try {
      // While it waited, somebody else may have asked.
      return this.#recall(host) ?? (await (this.#underWay.get(host) ?? this.#begin(host)))
    } finally {
      this.#turns.give(key)
    }
  }

  #begin(host: string): Promise<readonly string[]> {
    const begun = this.#ask(host).then((answer) => this.#remember(host, answer))
    this.#underWay.set(host, begun)
    return begun.finally(() => this.#underWay.delete(host))
  }

  async #ask(host: string): Promise<NameAnswer> {
    if (!this.#systemNames.has(host)) return await queryAddresses(host, this.#servers, this.#limitMs)
    const queryMs = this.#limitMs * queryShareOfListed
    const answer = await queryAddresses(host, this.#servers, queryMs)
    return answer.addresses.length > 0 ? answer : await this.#askSystem(host, this.#limitMs - queryMs)
  }

  /** The thread stays taken until the system answers, however long the caller waits. */
  async #askSystem(host: string, limitMs: number): Promise<NameAnswer> {
    const nothing = { addresses: [], ttlSeconds: 0 }
    if (!(await this.#systemTurns.take('', limitMs))) return nothing
    const answering = lookup(host, { all: true })
      .then(
        (all) => ({ addresses: all.map(({ address }) => address), ttlSeconds: answerSecondsMax }),
        () => nothing,
      )
      .finally(() => this.#systemTurns.give(''))
    let limit: NodeJS.Timeout | undefined
    const tooLate = new Promise<NameAnswer>((resolve) => {
      limit = setTimeout(resolve, limitMs, nothing)
    })
    return await Promise.race([answering, tooLate]).finally(() => clearTimeout(limit))
  }

  #recall(host: string): readonly string[] | undefined {
    const found = this.#remembered.get(host)
    if (!found || found.untilMs > this.#now()) return found?.addresses
    this.#remembered.delete(host)
    return undefined
  }

  #remember(host: string, answer: NameAnswer): readonly string[] {
    const addresses = answer.addresses.slice(0, addressesMax)
    const forMs = addresses.length > 0 ? Math.min(answer.ttlSeconds, answerSecondsMax) * 1_000 : noAnswerMs
    this.#remembered.delete(host)
    if (forMs > 0) this.#remembered.set(host, { addresses, untilMs: this.#now() + forMs })
    if (this.#remembered.size > rememberedMax) {
      for (const oldest of this.#remembered.keys()) {
        this.#remembered.delete(oldest)
        break
      }
    }
    return addresses
  }
}

/** The last two labels: whose look-ups wait for each other when no company is named. */
function siteOf(host: string): string {
  return host.split('.').slice(-2).join('.')
}

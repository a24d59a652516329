/**
 * Who may call a route. Every route says it in its `config`, and one that does not keeps the server from starting:
 *
 * - `scope`: an API key that has this scope; the request then carries its {@link Principal}.
 * - `operator: true`: the operator's key, and no API key.
 * - `public: true`: anyone.
 *
 * The check is the route's own first hook, before any byte of a body is read. What is not public is limited, see
 * `rate-limits.ts`.
 */
import { hash, timingSafeEqual } from 'node:crypto'
import type {
  FastifyContextConfig,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  onRequestAsyncHookHandler,
  RouteOptions,
} from 'fastify'
import type { Author } from '../events/administrative-event.ts'
import type { KeyRing, Principal } from '../identity/key-ring.ts'
import type { Clock } from '../lib/clock.ts'
import { ProblemError } from '../lib/problems.ts'
import type { Scope } from '../lib/scopes.ts'
import { hasScope } from '../lib/scopes.ts'
import { FailureLimit, KeyLimit } from './rate-limits.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    scope?: Exclude<Scope, '*'>
    operator?: true
    public?: true
  }
  interface FastifyRequest {
    principal: Principal | null
  }
}

interface AccessOptions {
  readonly keyRing: Pick<KeyRing, 'authenticate'>
  readonly operatorKey?: string | undefined
  readonly clock: Pick<Clock, 'elapsed'>
  /** Per key; 0 or absent is no limit. */
  readonly requestsPerSecondMax?: number | undefined
}

/** Whose key it is; undefined for a wrong one. */
type Authenticate<Caller> = (key: string) => Promise<Caller | undefined>

/** Has to be called before any route is registered. */
export function guardRoutes(app: FastifyInstance, options: AccessOptions): void {
  const { keyRing, operatorKey, clock, requestsPerSecondMax = 0 } = options
  const failures = new FailureLimit(clock)
  const requests = new KeyLimit(clock, requestsPerSecondMax)
  const principalOfKey = limitFailures(failures, (key) => keyRing.authenticate(key))
  const operatorOfKey = limitFailures(failures, authenticateOperator(operatorKey))
  const operatorGuard: onRequestAsyncHookHandler = async (request, reply) => {
    requests.count(await operatorOfKey(request, reply), reply)
  }
  const guardForScope = (scope: Scope): onRequestAsyncHookHandler => {
    return async (request, reply) => {
      const principal = await principalOfKey(request, reply)
      requests.count(principal.keyId, reply)
      if (!hasScope(principal.scopes, scope)) throw new ProblemError('forbidden', `The key lacks the scope ${scope}`)
      request.principal = principal
    }
  }
  app.decorateRequest('principal', null)
  app.addHook('onRoute', (route) => {
    const { scope, public: isPublic } = accessOf(route)
    const guard = scope === undefined ? operatorGuard : guardForScope(scope)
    if (!isPublic) route.onRequest = [guard, ...[route.onRequest ?? []].flat()]
  })
}

function accessOf(route: RouteOptions): FastifyContextConfig {
  const { scope, operator, public: isPublic } = route.config ?? {}
  if ([scope, operator, isPublic].filter((one) => one !== undefined).length !== 1) {
    throw new Error(`${String(route.method)} ${route.url} must say who may call it: scope, operator or public`)
  }
  return route.config ?? {}
}

/** Only a key that was looked up and is wrong counts as a failure; without one nothing was guessed. */
function limitFailures<Caller>(
  failures: FailureLimit,
  authenticate: Authenticate<Caller>,
): (request: FastifyRequest, reply: FastifyReply) => Promise<Caller> {
  return async (request, reply) => {
    const key = bearerForm.exec(request.headers.authorization ?? '')?.[1]
    if (key === undefined) throw unauthenticated()
    const address = addressOf(request) // before the key is looked up, while the caller is most likely there
    const caller = await authenticate(key)
    if (caller !== undefined) return caller
    failures.count(address, reply)
    throw unauthenticated()
  }
}

/** Of a connection that is gone Node tells no address, whatever Fastify's type says. */
function addressOf({ ip }: { readonly ip?: string }): string {
  return ip ?? 'gone'
}

/** Digests of equal length are compared in equal time, whatever was sent. */
function authenticateOperator(operatorKey: string | undefined): Authenticate<'operator'> {
  if (operatorKey === undefined) return async () => undefined
  const operatorDigest = hash('sha256', operatorKey, 'buffer')
  return async (key) => (timingSafeEqual(hash('sha256', key, 'buffer'), operatorDigest) ? 'operator' : undefined)
}

const bearerForm = /^Bearer +([\x21-\x7e]{1,512})$/i

function unauthenticated(): ProblemError {
  return new ProblemError('unauthenticated', 'Send an API key that is in force as authorization: Bearer <key>')
}

/** Whose key it is. Only behind a route with a scope. */
export function principalOf(request: FastifyRequest): Principal {
  if (!request.principal) throw new Error(`${request.routeOptions.url} has no scope and so no principal`)
  return request.principal
}

/** Whom the events of an administrative change name: the key, or the operator. */
export function authorOf(request: FastifyRequest, clock: Clock): Author {
  const { principal } = request
  const actor = principal
    ? { type: 'api_key', id: principal.keyId, name: principal.keyName }
    : { type: 'operator', id: 'operator' }
  return { actor, nowMs: clock.now() }
}

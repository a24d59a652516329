/**
 * Who may call a route. Every route says it in its `config`, and one that does not keeps the server from starting:
 *
 * - `scope`: an API key that has this scope; the request then carries its {@link Principal}.
 * - `operator: true`: the operator's key, and no API key.
 * - `public: true`: anyone.
 *
 * The check is the route's own first hook, before any byte of a body is read.
 */
import { hash, timingSafeEqual } from 'node:crypto'
import type { FastifyInstance, FastifyRequest, onRequestAsyncHookHandler, RouteOptions } from 'fastify'
import type { Author } from '../events/administrative-event.ts'
import type { KeyRing, Principal } from '../identity/key-ring.ts'
import type { Clock } from '../lib/clock.ts'
import { ProblemError } from '../lib/problems.ts'
import type { Scope } from '../lib/scopes.ts'
import { hasScope } from '../lib/scopes.ts'

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
}

/** Has to be called before any route is registered. */
export function guardRoutes(app: FastifyInstance, options: AccessOptions): void {
  app.decorateRequest('principal', null)
  const operatorGuard = guardForOperator(options.operatorKey)
  app.addHook('onRoute', (route) => {
    const guard = chooseGuard(route, options.keyRing, operatorGuard)
    if (guard) route.onRequest = [guard, ...[route.onRequest ?? []].flat()]
  })
}

function chooseGuard(
  route: RouteOptions,
  keyRing: AccessOptions['keyRing'],
  operatorGuard: onRequestAsyncHookHandler,
): onRequestAsyncHookHandler | undefined {
  const { scope, operator, public: isPublic } = route.config ?? {}
  if ([scope, operator, isPublic].filter((one) => one !== undefined).length !== 1) {
    throw new Error(`${String(route.method)} ${route.url} must say who may call it: scope, operator or public`)
  }
  if (scope !== undefined) return guardForScope(scope, keyRing)
  return operator ? operatorGuard : undefined
}

function guardForScope(scope: Scope, keyRing: AccessOptions['keyRing']): onRequestAsyncHookHandler {
  return async (request) => {
    const key = bearerKey(request)
    const principal = key === undefined ? undefined : await keyRing.authenticate(key)
    if (!principal) throw unauthenticated()
    if (!hasScope(principal.scopes, scope)) throw new ProblemError('forbidden', `The key lacks the scope ${scope}`)
    request.principal = principal
  }
}

/** Digests of equal length are compared in equal time, whatever was sent. */
function guardForOperator(operatorKey: string | undefined): onRequestAsyncHookHandler {
  const operatorDigest = operatorKey === undefined ? undefined : hash('sha256', operatorKey, 'buffer')
  return async (request) => {
    const key = bearerKey(request)
    const isOperator =
      key !== undefined &&
      operatorDigest !== undefined &&
      timingSafeEqual(hash('sha256', key, 'buffer'), operatorDigest)
    if (!isOperator) throw unauthenticated()
  }
}

const bearerForm = /^Bearer +([\x21-\x7e]{1,512})$/i

function bearerKey(request: FastifyRequest): string | undefined {
  return bearerForm.exec(request.headers.authorization ?? '')?.[1]
}

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

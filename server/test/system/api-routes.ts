import type { RouteOptions } from 'fastify'
import { fastify } from 'fastify'
import { components } from '../../src/contract/components.ts'
import { createStreams } from '../../src/http/create-streams.ts'
import { describeApi } from '../../src/http/describe-api.ts'
import type { HttpParts } from '../../src/http/http-parts.ts'
import { apiRoutes } from '../../src/http/routes.ts'
import { TestWebhooks } from '../../src/http/test-webhooks.ts'

/** What of JSON Schema the shapes of requests are made of. */
export interface Shape {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly properties?: Readonly<Record<string, Shape>>
  readonly items?: Shape
  readonly anyOf?: readonly Shape[]
}

/** A route as it is registered, below the base path. */
export interface ApiRoute {
  readonly operationId: string
  readonly method: string
  /** With `:name` where a name stands. */
  readonly path: string
  readonly isPublic: boolean
  readonly isOperators: boolean
  readonly query: Shape
  readonly headers: Shape
  readonly body: Shape | undefined
}

/** A place of a request that takes text. */
export interface TextPlace {
  readonly part: 'path' | 'query' | 'header' | 'body'
  /** Names of members and 0 for the first element of a list. */
  readonly steps: readonly (string | number)[]
}

/** The routes as the table in http/routes.ts registers them, so that a new one is tried without a change of a test. */
export async function readRoutes(parts: HttpParts): Promise<readonly ApiRoute[]> {
  const found: ApiRoute[] = []
  const app = fastify({ exposeHeadRoutes: false })
  app.addHook('onRoute', (route) => void found.push(toRoute(route)))
  app.setValidatorCompiler(() => () => true)
  await describeApi(app, '0.0.0')
  const shared = { ...parts, tests: new TestWebhooks(parts), streams: createStreams(parts) }
  for (const route of apiRoutes) await app.register(route(shared))
  await app.close()
  return found
}

function toRoute(route: RouteOptions): ApiRoute {
  const { querystring, headers, body, operationId } = (route.schema ?? {}) as Schemas
  return {
    operationId: operationId ?? '',
    method: String(route.method),
    path: route.url,
    isPublic: route.config?.public ?? false,
    isOperators: route.config?.operator ?? false,
    query: querystring ?? {},
    headers: headers ?? {},
    body,
  }
}

interface Schemas {
  readonly operationId?: string
  readonly querystring?: Shape
  readonly headers?: Shape
  readonly body?: Shape
}

/** Every place where the route takes text, a list of words included, and where it takes anything at all. */
export function textPlaces(route: ApiRoute): readonly TextPlace[] {
  const path = [...route.path.matchAll(/:(\w+)/g)].map(([, name = '']) => [name])
  const members = (shape: Shape): Steps[] => (shape.properties ? placesIn(shape, []) : [])
  return [
    ...path.map((steps) => ({ part: 'path' as const, steps })),
    ...members(route.query).map((steps) => ({ part: 'query' as const, steps: steps.slice(0, 1) })),
    ...members(route.headers).map((steps) => ({ part: 'header' as const, steps })),
    ...(route.body ? placesIn(route.body, []) : []).map((steps) => ({ part: 'body' as const, steps })),
  ]
}

type Steps = readonly (string | number)[]

function placesIn(given: Shape, steps: Steps): Steps[] {
  const shape = resolve(given)
  if (shape.anyOf) return shape.anyOf.flatMap((one) => placesIn(one, steps))
  if (shape.properties) {
    return Object.entries(shape.properties).flatMap(([name, member]) => placesIn(member, [...steps, name]))
  }
  if (shape.items) return placesIn(shape.items, [...steps, 0])
  return shape.type === undefined || [shape.type].flat().includes('string') ? [steps] : []
}

const named = new Map<string, Shape>(components.map(({ schema }) => [`${schema.$id}#`, schema as Shape]))

function resolve(shape: Shape): Shape {
  if (shape.$ref === undefined) return shape
  const found = named.get(shape.$ref)
  if (!found) throw new Error(`No component ${shape.$ref}`)
  return found
}

/** A copy of a body with a value put in at a place. */
export function withValue(body: unknown, [step, ...rest]: Steps, value: unknown): unknown {
  if (step === undefined) return value
  if (Array.isArray(body))
    return body.map((item: unknown, index) => (index === step ? withValue(item, rest, value) : item))
  const object = typeof body === 'object' && body !== null ? body : {}
  return { ...object, [step]: withValue(Reflect.get(object, step), rest, value) }
}

/** What stands at a place of an answer; undefined where nothing does. */
export function valueAt(body: unknown, steps: Steps): unknown {
  return steps.reduce<unknown>(
    (value, step) => (typeof value === 'object' && value !== null ? Reflect.get(value, step) : undefined),
    body,
  )
}

import type { Resources } from './api/resources.ts'
import { routes } from './api/routes.ts'
import type { CallOptions, ConditionalCallOptions } from './call-options.ts'
import { headersOf } from './call-options.ts'
import type { Page } from './list.ts'
import { List } from './list.ts'
import type { Query } from './query-text.ts'
import type { Route } from './route.ts'
import { countNames, pathWith } from './route.ts'
import type { ApiRequest, Transport } from './transport.ts'

/** The methods of all resources, over one caller. Routes and types are made from the same document, so each method is as its type says. */
export function makeResources(transport: Transport): Resources {
  const resources = Object.entries(routes).map(([resource, methods]) => {
    const calls = Object.entries(methods).map(([method, route]) => [
      method,
      (...args: readonly unknown[]): unknown => call(transport, route, args),
    ])
    return [resource, Object.fromEntries(calls)]
  })
  return Object.fromEntries(resources) as Resources
}

function call(transport: Transport, route: Route, args: readonly unknown[]): unknown {
  const names = countNames(route.path)
  const input = route.takes === 'nothing' ? undefined : args[names]
  const options = (args[route.takes === 'nothing' ? names : names + 1] ?? {}) as ConditionalCallOptions
  if (route.answer === 'list') {
    return new List(async (cursor) => {
      const query = { ...(input as Query | undefined), ...(cursor !== undefined && { cursor }) }
      return (await transport.json(requestTo(route, args, query, options))) as Page<unknown>
    })
  }
  return answerOf(transport, route, args, input, options)
}

/** Not before it is awaited does anything fail: a wrong argument rejects as a refusal does. */
async function answerOf(
  transport: Transport,
  route: Route,
  args: readonly unknown[],
  input: unknown,
  options: CallOptions,
): Promise<unknown> {
  const request = requestTo(route, args, input, options)
  if (route.answer === 'text') return await transport.text(request)
  if (route.answer === 'bytes') return (await transport.open(request)).body
  const answer = await transport.json(request)
  return route.answer === 'nothing' ? undefined : answer
}

function requestTo(
  route: Route,
  args: readonly unknown[],
  input: unknown,
  options: ConditionalCallOptions,
): ApiRequest {
  const accept = route.answer === 'text' || route.answer === 'bytes' ? { accept: '*/*' } : {}
  return {
    ...options,
    verb: route.verb,
    path: pathWith(route.path, args),
    query: route.takes === 'query' ? (input as Query | undefined) : undefined,
    body: route.takes === 'body' ? JSON.stringify(input) : undefined,
    headers: { ...accept, ...headersOf(options) },
    isRepeatable: route.isRepeatable,
  }
}

import type { FastifyInstance } from 'fastify'

/** Which methods a path can be called with. */
export interface RouteTable {
  methodsOf(path: string): readonly string[]
}

/** Listens to the routes that are registered after it. */
export function keepRouteTable(app: FastifyInstance): RouteTable {
  const methodsByPattern = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ url, method }) => {
    const methods = methodsByPattern.get(url) ?? new Set()
    methodsByPattern.set(url, methods)
    for (const one of [method].flat()) methods.add(one)
  })
  return {
    methodsOf: (path) => {
      const segments = path.split('/')
      const found = [...methodsByPattern].filter(([pattern]) => fits(pattern.split('/'), segments))
      return [...new Set(found.flatMap(([, methods]) => [...methods]))].toSorted()
    },
  }
}

function fits(pattern: readonly string[], segments: readonly string[]): boolean {
  if (pattern.length !== segments.length) return false
  return pattern.every((part, index) => (part.startsWith(':') ? segments[index] !== '' : part === segments[index]))
}

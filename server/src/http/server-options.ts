import { LogController } from 'fastify'
import type { FastifyHttpOptions, RawServerDefault } from 'fastify'
import { newId } from '../lib/ids.ts'

const KIB = 1_024

/** Bytes of a request body. */
export const bodyLimits = { batch: 16 * KIB * KIB, event: 512 * KIB, document: 8 * KIB * KIB, other: 64 * KIB } as const

/**
 * Limits of connections. Whoever drips headers or a body is cut off after 10 and 30 seconds (checked every 5), a
 * connection on which nothing moves after 60. Between requests a connection is kept for 72 seconds: longer than the
 * 60 seconds after which common load balancers close theirs, so that they never send into a closing one.
 */
export const serverOptions = {
  bodyLimit: bodyLimits.other,
  requestTimeout: 30_000,
  connectionTimeout: 60_000,
  keepAliveTimeout: 72_000,
  maxRequestsPerSocket: 0,
  http: { headersTimeout: 10_000, connectionsCheckingInterval: 5_000, insecureHTTPParser: false },
  routerOptions: { maxParamLength: 200 },
  trustProxy: false,
  requestIdHeader: false,
  genReqId: () => newId(),
  forceCloseConnections: 'idle',
  return503OnClosing: false, // see graceful-stop.ts
  logController: new LogController({ disableRequestLogging: true }), // see request-log.ts
} as const satisfies FastifyHttpOptions<RawServerDefault>

import { StreamHub } from '../events/stream/stream-hub.ts'
import { keysInForce } from '../identity/keys-in-force.ts'
import { isDatabaseTrouble } from './database-trouble.ts'
import type { HttpParts } from './http-parts.ts'

/** The streams of this process, over its connections. */
export function createStreams({ pools, clock, logger, onceRouted, streamLimits }: HttpParts): StreamHub {
  return new StreamHub({
    api: pools.api,
    engine: pools.engine,
    clock,
    onceRouted,
    limits: streamLimits,
    keysInForce: async (keys) => await keysInForce(pools.engine, keys),
    isPassing: isDatabaseTrouble,
    onError: (err, facts) => logger.error({ err, ...facts }, 'events could not be read for streams'),
  })
}

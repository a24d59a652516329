import { readFile } from 'node:fs/promises'
import { pino } from 'pino'
import type { DbPool } from '../db/pools.ts'
import { systemClock } from '../lib/clock.ts'
import { allHold } from '../lib/readiness-report.ts'
import { buildApp } from './app.ts'
import { createCallContext } from '../webhooks/call-context.ts'
import { parseEgressAllow } from '../webhooks/egress-policy.ts'
import type { HttpParts } from './http-parts.ts'

/** The OpenAPI document of this version, from the routes themselves. Needs no database and opens no port. */
export async function openApiDocument(): Promise<object> {
  const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'))
  const app = await buildApp(inertParts(String(version)))
  try {
    return app.swagger()
  } finally {
    await app.close()
  }
}

/** Enough to register the routes with; none of them is called. */
function inertParts(version: string): HttpParts {
  const unreachable = async (): Promise<never> => {
    throw new Error('Nothing is behind these routes')
  }
  const pool: DbPool = { query: unreachable, connect: unreachable }
  return {
    pools: { api: pool, engine: pool, owner: pool, close: async () => {} },
    vault: { sealer: unreachable, opener: unreachable },
    clock: systemClock,
    keyRing: { authenticate: unreachable },
    publisher: { publish: unreachable },
    definitions: {
      standard: { get: () => undefined, names: () => [] },
      forPublish: unreachable,
      namesOf: unreachable,
      changed: () => {},
    },
    judge: {
      check: unreachable,
      rehearse: unreachable,
      compare: unreachable,
      sample: unreachable,
      close: async () => {},
    },
    allow: parseEgressAllow(''),
    calls: createCallContext({ allow: parseEgressAllow(''), clock: systemClock, version }),
    logger: pino({ enabled: false }),
    onRecorded: () => {},
    onDeliveriesDue: () => {},
    readiness: () => allHold,
    metricsText: unreachable,
    portalDirectory: '',
    version,
  }
}

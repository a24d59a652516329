import type { AddressInfo } from 'node:net'
import type { Owner } from '../torture/cleanup.ts'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { loggableError } from '../../src/db/loggable-error.ts'
import type { DbPool } from '../../src/db/pools.ts'
import { CompanyDefinitions } from '../../src/events/company-definitions.ts'
import { CompiledSchemas } from '../../src/events/compiled-schemas.ts'
import { loadStandardDefinitions } from '../../src/events/definitions.ts'
import { createSchemaJudge } from '../../src/events/schema-judge.ts'
import { buildApp } from '../../src/http/app.ts'
import type { HttpParts } from '../../src/http/http-parts.ts'
import { KeyRing } from '../../src/identity/key-ring.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { allHold } from '../../src/lib/readiness-report.ts'
import type { TestDatabase } from '../support/database.ts'
import { testVault } from '../support/master-key.ts'
import type { TestNode, TestNodeOptions } from '../support/test-node.ts'
import { allow, testNode } from '../support/test-node.ts'
import { OPERATOR_KEY } from './new-company.ts'

const definitionsDirectory = fileURLToPath(new URL('../../definitions/', import.meta.url))

/** The interface over real connections, in this process, so that a test can stand between it and its database. */
export interface ServedApp {
  readonly url: string
  readonly parts: HttpParts
  /** What runs beside the interface; its rounds are run by hand, so nothing changes by itself. */
  readonly node: TestNode
  /** The lines of its log. */
  readonly lines: readonly string[]
}

/** @param wrapApi stands between the interface and its pool for reads and administrative writes, or takes its place */
export async function serveApp(
  t: Owner,
  database: TestDatabase,
  wrapApi: (pool: DbPool) => DbPool = (pool) => pool,
  nodeOptions: TestNodeOptions = {},
  testCallsPerMinuteMax: number | undefined = 0,
): Promise<ServedApp> {
  const node = testNode(database, nodeOptions)
  const lines: string[] = []
  const write = (line: string): void => void lines.push(line)
  const judge = createSchemaJudge()
  t.after(async () => await judge.close())
  const parts: HttpParts = {
    pools: { ...node.pools, api: wrapApi(node.pools.api) },
    vault: testVault(node.pools),
    clock: systemClock,
    keyRing: new KeyRing({ db: node.pools.engine, clock: systemClock }),
    operatorKey: OPERATOR_KEY,
    requestsPerSecondMax: 0,
    publisher: node.publisher,
    definitions: new CompanyDefinitions({
      db: node.pools.engine,
      clock: systemClock,
      standard: await loadStandardDefinitions(definitionsDirectory),
      compiled: new CompiledSchemas(),
    }),
    judge,
    allow,
    calls: node.calls,
    testCallsPerMinuteMax,
    logger: pino({ level: 'info', serializers: { err: loggableError } }, { write }),
    onRecorded: () => {},
    onDeliveriesDue: () => {},
    readiness: () => allHold,
    metricsText: async () => '',
    portalDirectory: import.meta.dirname,
    version: '0.0.0',
  }
  const app = await buildApp(parts)
  t.after(async () => await app.close())
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, parts, node, lines }
}

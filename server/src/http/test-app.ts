/** The interface over stubs, for tests of what it does itself. No database, no port. */
import type { TestContext } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { loggableError } from '../db/loggable-error.ts'
import type { DbPool } from '../db/pools.ts'
import type { Query } from '../db/statement.ts'
import type { Definition, Definitions } from '../events/definitions.ts'
import type { NewEvent } from '../events/event.ts'
import type { Published } from '../events/publisher.ts'
import { createSchemaJudge } from '../events/schema-judge.ts'
import type { Principal } from '../identity/key-ring.ts'
import { defaultSettings } from '../identity/companies.ts'
import { systemClock } from '../lib/clock.ts'
import { allHold } from '../lib/readiness-report.ts'
import type { Scope } from '../lib/scopes.ts'
import { scopes } from '../lib/scopes.ts'
import { createVault } from '../vault/vault.ts'
import { buildApp } from './app.ts'
import { createCallContext } from '../webhooks/call-context.ts'
import { parseEgressAllow } from '../webhooks/egress-policy.ts'
import type { HttpParts } from './http-parts.ts'

export const COMPANY_ID = '01890000-0000-7000-8000-000000000001'
export const OPERATOR_KEY = 'operator-key-of-thirty-two-characters'

/** The key `key:<scopes>` has these scopes, separated by commas. */
export const bearer = (...scopes: readonly Scope[]): { authorization: string } => ({
  authorization: `Bearer key:${scopes.join(',')}`,
})

export const asOperator = { authorization: `Bearer ${OPERATOR_KEY}` }

export interface TestApp {
  readonly app: FastifyInstance
  readonly parts: HttpParts
  /** What the publisher was given, request by request. */
  readonly published: (readonly NewEvent[])[]
  /** Names of the statements that were run. */
  readonly queries: string[]
  /** Lines of the log, as text. */
  readonly lines: string[]
}

interface TestAppOptions extends Partial<HttpParts> {
  /** Rows for a statement, or an error; no rows when absent. */
  readonly answerQuery?: (query: Query) => readonly unknown[]
  readonly connectError?: Error
}

export async function buildTestApp(t: TestContext, options: TestAppOptions = {}): Promise<TestApp> {
  const { answerQuery = () => [], connectError, ...given } = options
  const published: (readonly NewEvent[])[] = []
  const queries: string[] = []
  const lines: string[] = []
  const run = async (query: Query | string) => {
    const isControl = typeof query === 'string' // begin, commit, rollback
    if (!isControl) queries.push(query.name)
    const rows = isControl ? [] : answerQuery(query)
    return Object.assign(Object.create(null), { rows, rowCount: rows.length })
  }
  const pool: DbPool = {
    query: run,
    connect: async () => {
      if (connectError) throw connectError
      return Object.assign(Object.create(null), { query: run, release: () => {}, on: () => {}, off: () => {} })
    },
  }
  const parts: HttpParts = {
    pools: { api: pool, engine: pool, owner: pool, close: async () => {} },
    vault: createVault({ keys: [new Uint8Array(32)] }, pool),
    clock: systemClock,
    keyRing: { authenticate: async (text) => principalOfKey(text) },
    operatorKey: OPERATOR_KEY,
    publisher: {
      publish: async (events) => {
        published.push(events)
        return events.map(firstOutcome)
      },
    },
    definitions: {
      standard,
      forPublish: async () => standard,
      namesOf: async () => standard.names(),
      changed: () => {},
    },
    judge: createSchemaJudge(),
    allow: parseEgressAllow(''),
    calls: createCallContext({ allow: parseEgressAllow(''), clock: systemClock, version: 'test' }),
    logger: pino({ level: 'info', serializers: { err: loggableError } }, { write: (line: string) => lines.push(line) }),
    onRecorded: () => {},
    onDeliveriesDue: () => {},
    readiness: () => allHold,
    metricsText: async () => '',
    portalDirectory: import.meta.dirname,
    version: '0.0.0',
    ...given,
  }
  const app = await buildApp(parts)
  t.after(async () => {
    await app.close()
    const log = lines.join('')
    for (const secret of ['key:', OPERATOR_KEY, 'whsec_', 'canary']) {
      if (log.includes(secret)) throw new Error(`${secret} is in the log:\n${log}`)
    }
  })
  return { app, parts, published, queries, lines }
}

export function firstOutcome(event: NewEvent): Published {
  return { id: event.id, eventName: event.eventName, recordedAt: event.recordedAt, replayed: false }
}

function principalOfKey(text: string): Principal | undefined {
  if (!text.startsWith('key:')) return undefined
  const named = new Set(text.slice(4).split(','))
  const granted = scopes.filter((scope) => named.has(scope))
  return { companyId: COMPANY_ID, keyId: 'k1', keyName: 'Tests', scopes: granted, settings: defaultSettings }
}

/** Takes any payload but one with a member `bad`. */
const definition: Definition = {
  eventName: 'appointment.created',
  version: 1,
  title: 'Appointment created',
  description: 'For tests',
  related: [],
  tags: [],
  schema: true,
  examples: [],
  validate: (payload) =>
    typeof payload === 'object' && payload !== null && 'bad' in payload
      ? [{ pointer: '/bad', code: 'not', message: 'Must not be given' }]
      : [],
}

const standard: Definitions = {
  get: (name) => (name === definition.eventName ? definition : undefined),
  names: () => [definition.eventName],
}

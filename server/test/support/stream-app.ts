import type { AddressInfo, Server } from 'node:net'
import type { DbPool } from '../../src/db/pools.ts'
import type { Query } from '../../src/db/statement.ts'
import type { StreamLimits } from '../../src/events/stream/stream-hub.ts'
import { buildApp } from '../../src/http/app.ts'
import { newCompany, OPERATOR_KEY } from '../system/new-company.ts'
import { serveApp } from '../system/served-app.ts'
import type { Owner } from '../torture/cleanup.ts'
import { call } from './api.ts'
import type { TestDatabase } from './database.ts'
import { testDatabase } from './database.ts'
import type { TestNode } from './test-node.ts'

/** The interface in this process, with a company, for tests of streams; routing is done by hand. */
export interface StreamApp {
  readonly url: string
  readonly companyId: string
  readonly key: string
  readonly operatorKey: string
  readonly database: TestDatabase
  readonly node: TestNode
  readonly server: Server
  /** Names of the statements that were run, in order. */
  readonly statements: string[]
  readonly lines: readonly string[]
  /** Publishes and routes so many events `tick.happened`; answers with their ids. */
  publish(count: number, payload?: string): Promise<readonly string[]>
  close(): Promise<void>
}

export async function startStreamApp(t: Owner, streamLimits: Partial<StreamLimits> = {}): Promise<StreamApp> {
  const database = await testDatabase(t)
  const { parts, node, lines } = await serveApp(t, database)
  const statements: string[] = []
  const pools = {
    ...parts.pools,
    api: counted(parts.pools.api, statements),
    engine: counted(parts.pools.engine, statements),
  }
  const app = await buildApp({ ...parts, pools, streamLimits })
  t.after(async () => await app.close())
  await app.listen({ host: '127.0.0.1', port: 0 })
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
  const { id: companyId, key } = await newCompany(url, 'Streams')
  return {
    url,
    companyId,
    key,
    operatorKey: OPERATOR_KEY,
    database,
    node,
    server: app.server,
    statements,
    lines,
    publish: async (count, payload = '{"n":1}') => {
      const ids: string[] = []
      for (let left = count; left > 0; left -= 500) {
        const one = `{"event_name":"tick.happened","payload":${payload}}`
        const body = `{"events":[${Array<string>(Math.min(left, 500)).fill(one).join(',')}]}`
        const answer = await call(url, 'POST', '/events/batch', body, key)
        ids.push(...(answer.body['data'] as readonly { readonly id: string }[]).map(({ id }) => id))
        await node.route()
      }
      return ids
    },
    close: async () => await app.close(),
  }
}

/** Notes the name of every statement on its way through. */
function counted(pool: DbPool, names: string[]): DbPool {
  return {
    query: async (query: Query) => {
      names.push(query.name)
      return await pool.query(query)
    },
    connect: async () => {
      const client = await pool.connect()
      const query = client.query.bind(client) as (...given: readonly unknown[]) => unknown
      const note = (...given: readonly unknown[]): unknown => {
        const name: unknown = Reflect.get(Object(given[0]), 'name')
        if (typeof name === 'string') names.push(name)
        return query(...given)
      }
      return new Proxy(client, {
        get: (target, property) => {
          if (property === 'query') return note
          const value: unknown = Reflect.get(target, property)
          return typeof value === 'function' ? value.bind(target) : value
        },
      })
    },
  }
}

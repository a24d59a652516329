import type { DbPool } from '../../src/db/pools.ts'
import type { Query } from '../../src/db/statement.ts'

/**
 * A pool whose statements have forgotten their company: every `company_id = $1` and every equality of two `company_id`
 * is taken out before the statement is sent, as if nobody had written it. What then keeps companies apart is row level
 * security alone. Everything else is as in earnest: the statement, its other parameters, the role, the transaction with
 * its `app.company_id`.
 *
 * It is done here and not in the program, which so has no switch that could be left on. A statement with a predicate of
 * another form throws, and has to be taught here.
 */
export function withoutKeyPredicates(pool: DbPool): DbPool {
  return {
    query: async (query) => await pool.query(forgetful(query)),
    connect: async () => {
      const client = await pool.connect()
      return new Proxy(client, {
        get: (target, name) => {
          const value: unknown = Reflect.get(target, name)
          if (typeof value !== 'function') return value
          if (name !== 'query') return value.bind(target) as unknown
          return (query: Query | string): unknown => Reflect.apply(value, target, [forgetfulUnlessControl(query)])
        },
      })
    },
  }
}

/** How many different statements were made forgetful in this process. */
export const forgetfulStatements = new Set<string>()

function forgetfulUnlessControl(query: Query | string): Query | string {
  return typeof query === 'string' ? query : forgetful(query) // begin, commit, rollback are texts
}

function forgetful(query: Query): Query {
  const text = withoutCompany(query.text)
  if (text !== query.text) forgetfulStatements.add(query.name)
  return { ...query, text }
}

export function withoutCompany(text: string): string {
  const without = text
    .replaceAll(/\b(?:\w+\.)?company_id = \$1(?!\d)/g, '$1::uuid is not null')
    .replaceAll(/\b\w+\.company_id = \w+\.company_id\b/g, 'true')
  if (/company_id\s*(=|<|>|in\b|is\b)|using \(company_id/.test(without)) {
    throw new Error(`A statement asks for its company in a form that is not known here: ${text}`)
  }
  return without
}

import assert from 'node:assert/strict'
import { call, textOf } from '../support/api.ts'

export const OPERATOR_KEY = 'operator-key-0123456789abcdef0123456789'

export interface NewCompany {
  readonly id: string
  /** Its first API key. */
  readonly key: string
}

/** Makes a company as the operator does; the server has to be started with {@link OPERATOR_KEY}. */
export async function newCompany(
  url: string,
  name: string,
  settings: Readonly<Record<string, unknown>> = { allow_undeclared_events: true },
): Promise<NewCompany> {
  const made = await call(url, 'POST', '/companies', { name, settings }, OPERATOR_KEY)
  assert.equal(made.status, 201, JSON.stringify(made.body))
  return { id: textOf(made, 'id'), key: textOf(made, 'api_key') }
}

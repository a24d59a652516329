import { API_KEY } from './daybook-process.ts'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Readonly<Record<string, unknown>>
}

/** Calls the API; rejects only when no answer came. */
export async function call(
  url: string,
  method: string,
  path: string,
  body?: unknown,
  key: string = API_KEY,
): Promise<Answer> {
  const response = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: {
      authorization: `Bearer ${key}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    signal: AbortSignal.timeout(20_000),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: JSON.parse(text || '{}') as Answer['body'] }
}

/** A member of an answer that is a text. */
export function textOf(answer: Answer, member: string): string {
  const value = answer.body[member]
  if (typeof value === 'string') return value
  throw new Error(`no text ${member} in ${JSON.stringify(answer.body)}`)
}

/** The rows of a list. */
export function rowsOf(answer: Answer): readonly Readonly<Record<string, unknown>>[] {
  const rows = answer.body['data']
  if (Array.isArray(rows)) return rows
  throw new Error(`no list in ${JSON.stringify(answer.body)}`)
}

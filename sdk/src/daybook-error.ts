import type { ProblemCode } from './api/types.ts'
import { parseJson } from './parse-json.ts'
import { parseRetryAfter } from './retry.ts'

/** One fault of a request: `pointer` is an RFC 6901 JSON pointer into its body, `code` is stable, `message` is for people. */
export interface RequestFault {
  readonly pointer: string
  readonly code: string
  readonly message: string
}

/**
 * The stable codes of the server's problem documents, and those made on this side: `network_error` and `timeout` (no answer)
 * and `unexpected_answer` (one that is not Daybook's, from a proxy for example). A newer server may know more.
 */
export type DaybookErrorCode = ProblemCode | 'network_error' | 'timeout' | 'unexpected_answer' | (string & {})

interface DaybookErrorDetails {
  readonly status?: number
  readonly detail?: string | undefined
  readonly errors?: readonly RequestFault[]
  readonly requestId?: string | undefined
  readonly retryAfterMs?: number | undefined
  readonly cause?: unknown
}

/** A request that did not succeed. */
export class DaybookError extends Error {
  readonly code: DaybookErrorCode
  /** Of the answer; 0 when none came. */
  readonly status: number
  /** The particular case, for people. */
  readonly detail: string | undefined
  /** The faults of the request, as the problem document has them. */
  readonly errors: readonly RequestFault[]
  /** Names the request in the server's log. */
  readonly requestId: string | undefined
  /** How long the server asked to be left alone. */
  readonly retryAfterMs: number | undefined

  constructor(code: DaybookErrorCode, summary: string, details: DaybookErrorDetails = {}) {
    super(`${code}: ${summary}`, { cause: details.cause })
    this.name = 'DaybookError'
    this.code = code
    this.status = details.status ?? 0
    this.detail = details.detail
    this.errors = details.errors ?? []
    this.requestId = details.requestId
    this.retryAfterMs = details.retryAfterMs
  }
}

/**
 * No answer came: whether the request was carried out is not known. Publish again, with the same ids, and read again; `cause`
 * tells more.
 */
export class DaybookConnectionError extends DaybookError {
  constructor(code: 'network_error' | 'timeout', summary: string, cause: unknown) {
    super(code, summary, { cause })
    this.name = 'DaybookConnectionError'
  }
}

/** The error that an answer stands for which is no success, or not in the form of one. `body` is its text. */
export function errorFromAnswer({ status, ok, headers }: Response, body: string, nowMs: number): DaybookError {
  const problem = ok ? {} : asRecord(parsed(body))
  const detail = textIn(problem, 'detail')
  const summary = detail ?? textIn(problem, 'title') ?? `the server answered ${status}`
  return new DaybookError(textIn(problem, 'code') ?? 'unexpected_answer', summary, {
    status,
    detail,
    errors: faultsIn(problem),
    requestId: headers.get('request-id') ?? undefined,
    retryAfterMs: parseRetryAfter(headers.get('retry-after'), nowMs),
  })
}

function faultsIn(problem: Readonly<Record<string, unknown>>): RequestFault[] {
  const errors: unknown = problem['errors']
  if (!Array.isArray(errors)) return []
  return errors.map(asRecord).map((fault) => ({
    pointer: textIn(fault, 'pointer') ?? '',
    code: textIn(fault, 'code') ?? '',
    message: textIn(fault, 'message') ?? '',
  }))
}

function parsed(text: string): unknown {
  try {
    return parseJson(text)
  } catch {
    return undefined
  }
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function textIn(record: Readonly<Record<string, unknown>>, key: string): string | undefined {
  const value = record[key]
  return typeof value === 'string' ? value : undefined
}

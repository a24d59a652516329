import { DaybookError } from '@daybook/sdk'
import { ConfigError } from './config.ts'
import { paint } from './paint.ts'
import { visible } from './table.ts'

/** For scripts. They never change their meaning. */
export const exitCodes = {
  ok: 0,
  /** The server refused, or it did not work. */
  failed: 1,
  /** Wrong usage or configuration: nothing was tried. */
  usage: 2,
  /** No answer: the server is not there, or took too long. */
  unreachable: 3,
  /** Ended by Ctrl-C, as shells have it. */
  interrupted: 130,
} as const

/** An argument is wrong in a way that the parser of the command line cannot see. */
export class UsageError extends Error {}

/** Says what went wrong, with the stable code of the server's answer, and answers with the exit code that it means. */
export function tellError(error: unknown, stderr: NodeJS.WritableStream): number {
  const lines = error instanceof DaybookError ? describeRefusal(error) : [messageOf(error)]
  const [first = '', ...more] = lines.map(visible)
  stderr.write(`${[`${paint(stderr, 'red', 'error:')} ${first}`, ...more].join('\n')}\n`)
  if (error instanceof ConfigError || error instanceof UsageError) return exitCodes.usage
  if (error instanceof DaybookError && error.status === 0) return exitCodes.unreachable
  return exitCodes.failed
}

function describeRefusal(error: DaybookError): string[] {
  return [
    error.message,
    ...reasonsBehind(error.cause),
    ...error.errors.map(({ pointer, code, message }) => `  ${pointer} ${message} (${code})`),
    ...(error.requestId === undefined ? [] : [`  request ${error.requestId}`]),
  ]
}

/** `fetch failed` says nothing; what it was caused by does: `connect ECONNREFUSED 127.0.0.1:4380`. */
function reasonsBehind(cause: unknown): string[] {
  if (!(cause instanceof Error)) return []
  const inner = cause instanceof AggregateError ? cause.errors[0] : cause.cause
  return inner instanceof Error ? reasonsBehind(inner).concat(`  ${inner.message}`).slice(0, 1) : []
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

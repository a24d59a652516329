import { sqlState } from './transaction.ts'

/** What a log line may hold of an error. */
export interface LoggableError {
  readonly name: string
  readonly message: string
  readonly code?: string
  readonly severity?: string
  readonly routine?: string
  readonly table?: string
  readonly constraint?: string
  /** Where it was thrown, without the message that V8 puts before. */
  readonly stack?: string
  readonly cause?: LoggableError
}

const kept = ['code', 'severity', 'routine', 'table', 'constraint'] as const

const CAUSES_MAX = 4

/**
 * An error without the data it speaks of. PostgreSQL puts values of rows and parameters into `detail`, `hint` and `where`,
 * and into the message of its data exceptions (class 22); `JSON.parse` puts the text into its own. So members are chosen,
 * never copied whole, and those messages are left out.
 */
export function loggableError(error: unknown, causesMax: number = CAUSES_MAX): LoggableError {
  if (!(error instanceof Error)) return { name: typeof error, message: 'Not an Error' }
  const facts: Record<string, string> = {}
  for (const member of kept) {
    const value: unknown = Reflect.get(error, member)
    if (typeof value === 'string') facts[member] = value
  }
  const stack = placesOf(error)
  const hasCause = error.cause !== undefined && causesMax > 0
  return {
    name: error.name,
    message: quotesData(error) ? '(left out)' : error.message,
    ...facts,
    ...(stack !== '' && { stack }),
    ...(hasCause && { cause: loggableError(error.cause, causesMax - 1) }),
  }
}

function quotesData(error: Error): boolean {
  return error instanceof SyntaxError || sqlState(error)?.startsWith('22') === true
}

function placesOf(error: Error): string {
  const lines = error.stack?.split('\n') ?? []
  return lines.filter((line) => /^ {4}at \S/.test(line)).join('\n')
}

/** An error again, of one that came as data from another thread; {@link loggableError} makes the same data of it. */
export function reviveError({ name, message, stack, cause, ...facts }: LoggableError): Error {
  const error = new Error(message, cause && { cause: reviveError(cause) })
  return Object.assign(error, facts, { name, stack: `${name}: ${message}\n${stack ?? ''}` })
}

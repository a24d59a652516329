import { readFile } from 'node:fs/promises'
import { parseExactJson } from './exact-json.ts'
import { UsageError } from './exit-codes.ts'
import type { Terminal } from './terminal.ts'

/** A payload as the command line names it: the JSON itself, `-` for standard input, `@file` for a file. */
export async function readPayload(argument: string, stdin: Terminal['stdin']): Promise<unknown> {
  const text = await readText(argument, stdin)
  try {
    return parseExactJson<unknown>(text)
  } catch {
    throw new UsageError('The payload is not valid JSON')
  }
}

async function readText(argument: string, stdin: Terminal['stdin']): Promise<string> {
  if (argument === '-') return await readAll(stdin)
  if (!argument.startsWith('@')) return argument
  try {
    return await readFile(argument.slice(1), 'utf8')
  } catch (error) {
    throw new UsageError(`The payload cannot be read: ${error instanceof Error ? error.message : 'no file'}`)
  }
}

async function readAll(stdin: Terminal['stdin']): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stdin) chunks.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)
  return Buffer.concat(chunks).toString()
}

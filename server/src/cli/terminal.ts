import type { Environment } from './config.ts'

type Output = NodeJS.WritableStream & { readonly isTTY?: boolean }

/** What a command sees of the process around it: given in, so that tests run commands without one. */
export interface Terminal {
  readonly env: Environment
  readonly stdin: AsyncIterable<Buffer | string>
  readonly stdout: Output
  readonly stderr: Output
}

export function say(terminal: Terminal, text: string): void {
  terminal.stdout.write(`${text}\n`)
}

export function sayJson(terminal: Terminal, value: unknown): void {
  say(terminal, JSON.stringify(value))
}

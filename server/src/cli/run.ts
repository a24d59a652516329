import { CommanderError } from 'commander'
import { exitCodes, tellError } from './exit-codes.ts'
import { buildProgram } from './program.ts'
import type { Terminal } from './terminal.ts'

/** Runs one command line, without the two words before it, and answers with the exit code. Never rejects. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  let exitCode: number = exitCodes.ok
  const program = buildProgram(terminal, (code) => (exitCode = code))
  try {
    await program.parseAsync(args, { from: 'user' })
    return exitCode
  } catch (error) {
    // Commander has said what is wrong; what was asked for, help and version, comes this way too.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
    return tellError(error, terminal.stderr)
  }
}

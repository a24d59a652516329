import type { Command } from 'commander'
import type { DemoReport } from '../demo/run-demo.ts'
import { exitCodes } from '../exit-codes.ts'
import { parseWholeNumber } from '../option-values.ts'
import { paint } from '../paint.ts'
import type { Terminal } from '../terminal.ts'
import { say, sayJson } from '../terminal.ts'

interface DemoCommandOptions {
  readonly events: number
  readonly seed?: number
  readonly dataDir?: string
  readonly json?: true
}

const details = `
Starts a Daybook with an embedded database, subscribes a receiver to it that checks every signature, publishes the events
over HTTP and counts what arrives. Exit code 1 if an event was lost, or came twice although the server was not killed.

With --json, standard output gets one line:
  published   events that the server accepted
  delivered   of those, how many arrived
  attempts    calls that the receiver got
  lost        accepted, and not arrived when nothing had happened for 30 seconds
  duplicated  copies beyond the first
  p50_ms, p99_ms  from the answer to the publish, which follows the commit at once, to the arrival; an event that
              arrived before the answer counts as 0`

/** `setExitCode`: a demo that lost something has not failed to run. */
export function addDemoCommand(program: Command, terminal: Terminal, setExitCode: (code: number) => void): void {
  program
    .command('demo')
    .description('live a day of a booking business on a Daybook of its own, and count')
    .option('--events <number>', 'how many events', parseWholeNumber(1, 1_000_000), 200)
    .option('--seed <number>', 'which day; the same seed gives the same', parseWholeNumber(0, 2 ** 32 - 1))
    .option('--data-dir <directory>', 'keep the data here, and go on with what an earlier demo left')
    .option('--json', 'answer in JSON, for programs')
    .addHelpText('after', details)
    .action(async ({ events, seed, dataDir, json }: DemoCommandOptions) => {
      const { runDemo } = await import('../demo/run-demo.ts')
      const stop = onInterrupt()
      try {
        const report = await runDemo(terminal, { events, seed, dataDir, signal: stop.signal, hurry: stop.hurry })
        if (json) sayJson(terminal, report.result)
        else say(terminal, summary(terminal, report))
        if (report.forged > 0) terminal.stderr.write(`${report.forged} calls had a wrong signature\n`)
        if (!isGood(report)) setExitCode(exitCodes.failed)
      } catch (error) {
        if (!stop.signal.aborted) throw error
        terminal.stderr.write('Stopped\n')
        setExitCode(exitCodes.interrupted)
      } finally {
        stop.forget()
      }
    })
}

/** At least once is the promise: a kill may leave an outcome unknown, and then a copy is sent. */
function isGood({ result, forged, restarts }: DemoReport): boolean {
  return result.lost === 0 && forged === 0 && (result.duplicated === 0 || restarts > 0)
}

function summary({ stdout }: Terminal, report: DemoReport): string {
  const { published, delivered, attempts, lost, duplicated, p50_ms, p99_ms } = report.result
  const verdict = isGood(report)
    ? paint(stdout, 'green', 'Everything that was accepted arrived.')
    : paint(stdout, 'red', 'Not everything arrived as promised.')
  const lines = [
    verdict,
    '',
    `  published   ${published}`,
    `  delivered   ${delivered}, in ${attempts} calls, every signature ${report.forged === 0 ? 'right' : 'checked'}`,
    `  lost        ${lost}`,
    `  duplicated  ${duplicated}`,
    `  commit to receipt  p50 ${p50_ms ?? '-'} ms, p99 ${p99_ms ?? '-'} ms`,
  ]
  if (report.earlier > 0) lines.push(`  ${report.earlier} more events that an earlier demo had left`)
  if (report.restarts > 0) lines.push(`  the server ended ${report.restarts} times and was started again`)
  return lines.join('\n')
}

/** The first signal asks for an end in good order, a second one for an end. */
function onInterrupt(): { readonly signal: AbortSignal; readonly hurry: AbortSignal; forget(): void } {
  const asked = new AbortController()
  const hurried = new AbortController()
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  const listener = (): void => (asked.signal.aborted ? hurried.abort() : asked.abort())
  for (const signal of signals) process.on(signal, listener)
  const forget = (): void => {
    for (const signal of signals) process.off(signal, listener)
  }
  return { signal: asked.signal, hurry: hurried.signal, forget }
}

import type { Command } from 'commander'
import type { DbPool } from '../../db/pools.ts'
import type { MasterKeys } from '../../vault/master-keys.ts'
import type { Config } from '../config.ts'
import { ConfigError, readConfig } from '../config.ts'
import type { Finding } from '../doctor/finding.ts'
import { ok, problem } from '../doctor/finding.ts'
import { exitCodes } from '../exit-codes.ts'
import { findMasterKeys, refuseMisfit } from '../master-keys.ts'
import { paint } from '../paint.ts'
import { visible } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import { say, sayJson } from '../terminal.ts'
import { withDatabase } from '../with-database.ts'

const meaning = `Exit codes of this command:
  0  fine (there may be warnings)
  1  problems: something is stuck, or will be; the master key is missing or another one
  2  it cannot look: a variable that is not understood, no database, no answer`

/** What was found. `cannot_look`: not everything was looked at, and nothing that was not says anything. */
interface Diagnosis {
  readonly status: 'fine' | 'problems' | 'cannot_look'
  readonly findings: readonly Finding[]
}

export function addDoctorCommand(program: Command, terminal: Terminal, setExitCode: (code: number) => void): void {
  program
    .command('doctor')
    .description('say what is stuck and why; changes nothing, works while servers run')
    .option('--json', 'answer in JSON, for programs')
    .addHelpText('after', `\n${meaning}`)
    .action(async ({ json }: { readonly json?: true }) => {
      const diagnosis = await diagnose(terminal)
      if (json) sayJson(terminal, diagnosis)
      else say(terminal, describe(diagnosis, terminal))
      setExitCode(exitCodeOf[diagnosis.status])
    })
}

const exitCodeOf = { fine: exitCodes.ok, problems: exitCodes.failed, cannot_look: exitCodes.usage } as const

async function diagnose(terminal: Terminal): Promise<Diagnosis> {
  const findings: Finding[] = []
  let canLook = true
  try {
    const config = readConfig(terminal.env)
    findings.push(...(await examineMachine(config)))
    findings.push(...(await examineDatabase(config, (line) => terminal.stderr.write(`${line}\n`))))
  } catch (error) {
    canLook = false
    findings.push(whyNot(error))
  }
  const hasProblem = findings.some(({ level }) => level === 'problem')
  return { status: !canLook ? 'cannot_look' : hasProblem ? 'problems' : 'fine', findings }
}

function whyNot(error: unknown): Finding {
  const [message = '', ...details] = (error instanceof Error ? error.message : String(error)).split('\n')
  const check = error instanceof ConfigError ? 'configuration' : 'database'
  return problem(
    check,
    message,
    details.map((line) => line.trim()),
  )
}

async function examineMachine({ callsMax, databaseUrl, dataDir }: Config): Promise<readonly Finding[]> {
  const { judgeDescriptors, judgeSpace, readSpace } = await import('../doctor/check-machine.ts')
  const { openFilesMax } = await import('../../webhooks/calls-within.ts')
  const files = judgeDescriptors(openFilesMax(), callsMax)
  // The disk of another database is on another machine, as far as one can know.
  if (databaseUrl !== undefined) return [files]
  const { findRecordedCluster } = await import('../../db/embedded/place-cluster.ts')
  const cluster = await findRecordedCluster(dataDir)
  return cluster === undefined ? [files] : [files, judgeSpace(await readSpace(cluster), cluster)]
}

async function examineDatabase(config: Config, log: (line: string) => void): Promise<readonly Finding[]> {
  const { examine } = await import('../doctor/examine.ts')
  const { createVault } = await import('../../vault/vault.ts')
  const { systemClock } = await import('../../lib/clock.ts')
  const limits = { queryTimeoutMs: 10_000, connectTimeoutMs: 5_000 }
  const keys = await findMasterKeys(config).catch((error: unknown) => {
    if (error instanceof ConfigError) return error
    throw error
  })
  return await withDatabase(
    config,
    log,
    async (pools) => {
      const vault = keys === undefined || keys instanceof ConfigError ? undefined : createVault(keys, pools.engine)
      const found = await examine({ pools, clock: systemClock, vault })
      return [await judgeConfiguration(pools.engine, config, keys), ...found]
    },
    limits,
  )
}

/** A start with these keys would be refused for the same. */
async function judgeConfiguration(
  db: DbPool,
  config: Config,
  keys: MasterKeys | ConfigError | undefined,
): Promise<Finding> {
  if (keys instanceof ConfigError) return whyNot(keys)
  try {
    await refuseMisfit(db, config, keys)
    return ok('configuration', 'All variables are understood, and the master key fits')
  } catch (error) {
    if (error instanceof ConfigError) return whyNot(error)
    const { loggableError } = await import('../../db/loggable-error.ts')
    return problem('configuration', `Whether the master key fits cannot be looked at: ${loggableError(error).message}`)
  }
}

function describe({ status, findings }: Diagnosis, { stdout }: Terminal): string {
  const width = Math.max(...findings.map(({ check }) => check.length))
  const lines = findings.flatMap(({ check, level, message, details }) => {
    const mark = { ok: paint(stdout, 'dim', 'ok     '), warning: 'warning', problem: paint(stdout, 'red', 'problem') }[
      level
    ]
    return [`${mark}  ${check.padEnd(width)}  ${visible(message)}`, ...details.map((line) => `    ${visible(line)}`)]
  })
  return [...lines, '', endings[status]].join('\n')
}

const endings = {
  fine: 'Nothing is stuck.',
  problems: 'There are problems.',
  cannot_look: 'It cannot be looked at.',
} as const

import type { Command } from 'commander'
import { newMasterKey, toKeyring } from '../../vault/master-keys.ts'
import type { Config } from '../config.ts'
import { readConfig } from '../config.ts'
import { exitCodes } from '../exit-codes.ts'
import { findMasterKeys, throwAsConfigError } from '../master-keys.ts'
import type { Terminal } from '../terminal.ts'
import { say, sayJson } from '../terminal.ts'
import { withDatabase } from '../with-database.ts'

const rotation = `Rotation of the master key, while servers run:
  1. daybook vault new-key; give the new key to every process, before the one in use (first line of the key file, or
     DAYBOOK_MASTER_KEY with the old one in DAYBOOK_MASTER_KEY_PREVIOUS), and restart them one after the other
  2. daybook vault rotate
  3. when it says that nothing names the old key any more, take the old key away; keep it as long as your backups`

export function addVaultCommand(program: Command, terminal: Terminal, setExitCode: (code: number) => void): void {
  const vault = program
    .command('vault')
    .description('make and rotate the master key, which seals secrets in the database')
  vault
    .command('new-key')
    .description('print a new master key: 32 random bytes in base64')
    .action(() => say(terminal, newMasterKey()))
  vault
    .command('rotate')
    .description('seal everything with the first of the given master keys; works while servers run')
    .option('--json', 'answer in JSON, for programs')
    .addHelpText('after', `\n${rotation}`)
    .action(async ({ json }: { readonly json?: true }) => {
      const done = await rotate(readConfig(terminal.env), (line) => terminal.stderr.write(`${line}\n`))
      if (json) sayJson(terminal, done)
      else say(terminal, describe(done))
      if (!done.done) setExitCode(exitCodes.failed)
    })
}

interface Rotated {
  readonly key_id: string
  readonly resealed: number
  readonly unreadable: number
  /** How many company keys are sealed with each other master key still. */
  readonly left: Readonly<Record<string, number>>
  /** Nothing names another key than the first. */
  readonly done: boolean
}

async function rotate(config: Config, log: (line: string) => void): Promise<Rotated> {
  const found = await findMasterKeys(config)
  if (!found) throw new Error(`There is no database in ${config.dataDir} yet, so there is nothing to rotate`)
  const keyring = toKeyring(found)
  const { rotateMasterKey } = await import('../../vault/rotate-master-key.ts')
  const result = await withDatabase(config, log, async ({ engine }) => {
    return await rotateMasterKey(engine, keyring, (resealed) => log(`${resealed} company keys sealed anew`))
  }).catch(throwAsConfigError)
  const left = Object.fromEntries([...result.uses].filter(([id]) => id !== keyring.first.id))
  const { resealed, unreadable } = result
  return { key_id: keyring.first.id, resealed, unreadable, left, done: Object.keys(left).length === 0 }
}

function describe({ key_id, resealed, unreadable, left, done }: Rotated): string {
  const lines = [`Master key in use: ${key_id}`, `Company keys sealed anew: ${resealed}`]
  for (const [id, count] of Object.entries(left)) lines.push(`Still sealed with ${id}: ${count}`)
  if (unreadable > 0) lines.push(`${unreadable} do not open with the key that they name: they were changed`)
  lines.push(done ? 'Nothing names another master key; earlier ones may be taken away' : 'Not done')
  return lines.join('\n')
}

import { parseArgs } from 'node:util'
import type { FaultName } from './faults.ts'
import { faults } from './faults.ts'

export interface Options {
  readonly minutes: number
  readonly seed: number
  readonly faults: readonly FaultName[]
  readonly eventsPerSecond: number
  /** A small file system for the database; undefined: wherever temporary files go. */
  readonly disk: string | undefined
  readonly json: boolean
}

/** What needs a file system of its own: 400 MB are enough. */
const needsDisk: ReadonlySet<FaultName> = new Set(['F17'])
const everywhere = Object.keys(faults).filter((name) => !needsDisk.has(name as FaultName))

export const usage = `npm run torture -- [--minutes N] [--seed S] [--faults F10,F12] [--rate N] [--disk DIR] [--json]

  --minutes  how long faults are made; 1 when absent, fractions allowed
  --seed     of everything that is decided by chance; printed, so that it can be given again
  --faults   ${Object.keys(faults).join(', ')}; all when absent, but for those that need --disk
  --disk     a directory on a small file system (400 MB), for F17: mount -t tmpfs -o size=400m tmpfs DIR
  --rate     events published per second; 100 when absent
  --json     ends with one line of JSON

Ends with 1 when the run does not hold.`

/** Throws a TypeError that says what is wrong. */
export function parseOptions(args: readonly string[], newSeed: () => number): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '1' },
      seed: { type: 'string' },
      faults: { type: 'string', default: everywhere.join(',') },
      rate: { type: 'string', default: '100' },
      disk: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  })
  const wanted = values.faults.split(',').map(toFault)
  if (values.disk === undefined && wanted.some((name) => needsDisk.has(name))) {
    throw new TypeError('F17 fills the disk of the database: --disk says which')
  }
  return {
    minutes: positive('minutes', values.minutes),
    seed: values.seed === undefined ? newSeed() : positive('seed', values.seed),
    faults: wanted,
    eventsPerSecond: positive('rate', values.rate),
    disk: values.disk,
    json: values.json,
  }
}

function positive(name: string, text: string): number {
  const value = Number(text)
  if (value > 0 && Number.isFinite(value)) return value
  throw new TypeError(`--${name} takes a number above 0`)
}

function toFault(text: string): FaultName {
  const found = Object.keys(faults).find((name): name is FaultName => name === text.trim())
  if (!found) throw new TypeError(`${text} is none of ${Object.keys(faults).join(', ')}`)
  return found
}

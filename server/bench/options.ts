import { parseArgs } from 'node:util'
import type { Size } from './size.ts'
import { sizes } from './size.ts'

export const scenarioNames = [
  'limits',
  'end_to_end',
  'memory',
  'singles',
  'latency',
  'start',
  'backlog',
  'replay',
  'retention',
  'hanging',
  'crowd',
  'history',
] as const
export type ScenarioName = (typeof scenarioNames)[number]

export interface Options {
  readonly run: 'full' | 'quick' | 'tiny'
  readonly size: Size
  readonly scenarios: ReadonlySet<ScenarioName>
  readonly json: boolean
}

export const usage = `npm run bench -- [--quick | --tiny] [--only name[,name]] [--json]

  --quick  under a minute, without backlog, replay, retention, hanging, crowd and history
  --tiny   seconds: every scenario once with few events; only lost and duplicated events count
  --only   ${scenarioNames.join(', ')}
  --json   ends with one line of JSON

Ends with 1 when an accepted event was lost or delivered twice.`

const quickScenarios: readonly ScenarioName[] = ['limits', 'end_to_end', 'memory', 'singles', 'latency', 'start']

/** Throws a TypeError that says what is wrong. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      tiny: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      json: { type: 'boolean', default: false },
    },
  })
  const run = values.tiny ? 'tiny' : values.quick ? 'quick' : 'full'
  const only = values.only.flatMap((list) => list.split(',')).map(toScenario)
  const named = only.length > 0 ? only : run === 'quick' ? quickScenarios : scenarioNames
  return { run, size: sizes[run], scenarios: new Set(named), json: values.json }
}

function toScenario(text: string): ScenarioName {
  const found = scenarioNames.find((name) => name === text)
  if (!found) throw new TypeError(`${text} is none of ${scenarioNames.join(', ')}`)
  return found
}

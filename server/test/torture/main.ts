import { Cleanup } from './cleanup.ts'
import { parseOptions, usage } from './options.ts'
import type { Options } from './options.ts'
import { torture } from './torture.ts'
import type { Outcome } from './torture.ts'

const COMPLAINTS_SHOWN = 30

const options = readOptions()
const say = (line: string): void => {
  if (!options.json) console.log(line)
}
say(`seed ${options.seed}`)
const cleanup = new Cleanup()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    process.exitCode = 1
    void cleanup.run().then(() => process.exit())
  })
}
try {
  show(await torture(cleanup, options, say))
} catch (error) {
  console.error(`seed ${options.seed}`, error)
  process.exitCode = 1
} finally {
  await cleanup.run()
}

function readOptions(): Options {
  try {
    return parseOptions(process.argv.slice(2), () => 1 + Math.floor(Math.random() * 1e6))
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
    process.exit(2)
  }
}

function show(outcome: Outcome): void {
  const { verdict, nemesis, complaints } = outcome
  const figures = {
    seed: options.seed,
    minutes: options.minutes,
    acknowledged: verdict.acknowledged,
    owed: verdict.owed,
    perhaps_owed: verdict.perhapsOwed,
    lost: verdict.lost.length,
    unexpected: verdict.unexpected.length,
    duplicated: verdict.duplicated,
    duplicate_bound: verdict.duplicateBound,
    recovered: verdict.recovered,
    orphans: outcome.takeOvers.orphans,
    standstill_ms_max: outcome.takeOvers.standstillMsMax,
    takeover_ms_max: outcome.takeOvers.waitedMsMax,
    explained_waits: outcome.takeOvers.explained.length,
    database_back_ms_max: outcome.databaseBackMsMax,
    drained_ms: outcome.drainedMs,
    complaints: complaints.length,
    faults: nemesis.made,
    landed: nemesis.landed,
  }
  for (const line of complaints.slice(0, COMPLAINTS_SHOWN)) console.error(`does not hold: ${line}`)
  if (outcome.takeOvers.longest) say(`stood still longest: ${outcome.takeOvers.longest}`)
  for (const line of outcome.takeOvers.explained.slice(0, COMPLAINTS_SHOWN)) say(`waited by design: ${line}`)
  if (complaints.length > 0) process.exitCode = 1
  if (options.json) {
    console.log(JSON.stringify(figures))
    return
  }
  for (const [name, value] of Object.entries(figures)) console.log(`${name}: ${JSON.stringify(value)}`)
  console.log(complaints.length === 0 ? 'holds' : `does not hold: ${complaints.length} complaints`)
}

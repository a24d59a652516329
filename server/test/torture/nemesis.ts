import { setTimeout as delay } from 'node:timers/promises'
import { between, chance, pick } from '../../src/cli/demo/random.ts'
import type { FaultName, Scene } from './faults.ts'
import { faults } from './faults.ts'
import type { Node } from './node.ts'
import type { Strike } from './orphan-watch.ts'

export interface NemesisReport {
  /** How often each fault was made, and how often it landed. */
  readonly made: Readonly<Record<string, number>>
  readonly landed: Readonly<Record<string, number>>
  readonly log: readonly string[]
}

/**
 * Makes faults until the time is up: every one alone first, then in pairs on different processes too. One that fails to be
 * repaired rejects.
 */
export async function runNemesis(
  scene: Scene,
  wanted: readonly FaultName[],
  durationMs: number,
  say: (line: string) => void,
): Promise<NemesisReport> {
  const startedAt = performance.now()
  const made: Record<string, number> = {}
  const landed: Record<string, number> = {}
  const log: string[] = []
  const note = (text: string): void => {
    const line = `${((performance.now() - startedAt) / 1_000).toFixed(1)} s  ${text}`
    log.push(line)
    say(line)
  }
  const make = async (name: FaultName, node: Node): Promise<void> => {
    note(`${name} on ${node.name}`)
    made[name] = (made[name] ?? 0) + 1
    const strike: Strike = { what: `${name} on ${node.name}`, startMs: Date.now(), endMs: undefined }
    scene.strikes.push(strike)
    const hasLanded = await faults[name](scene, node)
    strike.endMs = Date.now()
    if (hasLanded) landed[name] = (landed[name] ?? 0) + 1
    note(`${name} on ${node.name} is over${hasLanded ? '' : ', and hit nothing'}`)
  }
  const timeLeft = (): number => durationMs - (performance.now() - startedAt)
  let cycle: FaultName[] = []
  let rounds = 0
  while (timeLeft() > 0) {
    await delay(Math.min(between(scene.random, 500, 3_000), Math.max(0, timeLeft())))
    if (timeLeft() <= 0) break
    if (cycle.length === 0) cycle = [...wanted]
    const name = pick(scene.random, cycle)
    cycle.splice(cycle.indexOf(name), 1)
    const node = pick(scene.random, scene.nodes)
    const other = scene.nodes.find((one) => one !== node)
    const together = [make(name, node)]
    if (other && rounds >= wanted.length && chance(scene.random, 0.5)) {
      const second = pick(scene.random, wanted)
      if (!databaseFaults.has(name) || !databaseFaults.has(second)) together.push(make(second, other))
    }
    // Both to their end, also when one failed: nothing may be started again after the run was cleaned up.
    const failed = (await Promise.allSettled(together)).find((one) => one.status === 'rejected')
    if (failed) throw failed.reason
    rounds++
  }
  return { made, landed, log }
}

/** One database cannot be broken twice at once. */
const databaseFaults: ReadonlySet<string> = new Set(['F11', 'F12', 'F17'] satisfies FaultName[])

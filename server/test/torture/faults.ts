import { setTimeout as delay } from 'node:timers/promises'
import type { Random } from '../../src/cli/demo/random.ts'
import { between } from '../../src/cli/demo/random.ts'
import { until } from '../support/until.ts'
import type { Database } from './database.ts'
import type { Node } from './node.ts'
import type { OrphanWatch, Strike } from './orphan-watch.ts'
import type { Receivers } from './receivers.ts'
import type { Workload } from './workload.ts'

/** What faults act on, and what they measure. */
export interface Scene {
  readonly nodes: readonly Node[]
  readonly database: Database
  readonly workload: Workload
  readonly receivers: Receivers
  readonly random: Random
  /** Told of each process that stops without giving its leases back. */
  readonly orphans: OrphanWatch
  /** From the moment when the database accepts connections to the first publish and the first call. */
  readonly databaseBackMs: number[]
  /** In the order they began. */
  readonly strikes: Strike[]
}

/** Breaks something and repairs it. Answers whether it landed where it should: a fault that hit nothing proves nothing. */
export type Fault = (scene: Scene, node: Node) => Promise<boolean>

/** The lease of the shortest deadline and what its sweep may take: a pause that outlives both. */
const BEYOND_LEASE_MS = 13_000
const BACK_LIMIT_MS = 10_000

export const faults = {
  /** SIGKILL of a process, restart after up to two seconds. */
  F10: async (scene, node) => {
    await node.kill()
    const held = await scene.orphans.struck(`F10 on ${node.name}`)
    await delay(between(scene.random, 0, 2_000))
    await node.start()
    return held > 0
  },
  /** Immediate restart of the database. */
  F11: async (scene) => {
    const before = scene.workload.unanswered
    await scene.database.restartImmediately()
    await watchReturn(scene)
    return scene.workload.unanswered > before
  },
  /** SIGKILL of one backend. */
  F12: async (scene) => {
    if (!(await scene.database.killBackend())) return false
    await watchReturn(scene)
    return true
  },
  /** A partition that tells nobody, shorter and longer than the time-out of a statement. */
  F14: async (scene, node) => {
    node.proxy.set('silent')
    await scene.orphans.struck(`F14 on ${node.name}`)
    const isUnready = await until('readiness is false', async () => !(await isReady(node)), 6_000).catch(() => false)
    await delay(between(scene.random, 1_000, 18_000))
    node.proxy.set('open')
    await until('the same process is ready again', async () => await isReady(node), 30_000)
    return isUnready
  },
  /** A full disk under the database, its log included; for a database on a small file system of its own. */
  F17: async (scene) => {
    const before = scene.workload.unanswered
    const empty = await scene.database.fillDisk()
    await delay(between(scene.random, 3_000, 8_000))
    await empty()
    await watchReturn(scene)
    return scene.workload.unanswered > before
  },
  /** A slow way to the database. */
  F16: async (scene, node) => {
    node.proxy.set({ latencyMs: 200, bytesPerSecond: 64 * 1_024 })
    await delay(between(scene.random, 4_000, 10_000))
    node.proxy.set('open')
    return true
  },
  /** A process that sleeps longer than its leases. */
  F20: async (scene, node) => {
    node.pause()
    const held = await scene.orphans.struck(`F20 on ${node.name}`)
    await delay(BEYOND_LEASE_MS)
    node.goOn()
    return held > 0
  },
  /** A graceful stop under load. */
  F33: async (scene, node) => {
    const open = scene.receivers.open
    const how = await node.stop()
    if (how !== 0) scene.workload.refusals.push(`${node.name} ended with ${how} when it was asked to stop`)
    await node.start()
    return open >= 0 && how === 0
  },
  /** A stall of the whole process, shorter than its leases. */
  F36: async (scene, node) => {
    node.pause()
    await delay(between(scene.random, 3_000, 6_000))
    node.goOn()
    return true
  },
  /** A reader that keeps old rows from being cleaned away. */
  F40: async (scene) => {
    return await scene.database
      .withClient(async (client) => {
        await client.query('begin isolation level repeatable read')
        await client.query('select count(*) from webhook_deliveries')
        await delay(between(scene.random, 8_000, 15_000))
        await client.query('commit')
        return true
      })
      .catch(() => true) // a restart of the database ends it as well
  },
} as const satisfies Readonly<Record<string, Fault>>

export type FaultName = keyof typeof faults

async function isReady(node: Node): Promise<boolean> {
  return await fetch(`${node.url}/readyz`, { signal: AbortSignal.timeout(4_000) }).then(
    async (answer) => {
      await answer.arrayBuffer()
      return answer.ok
    },
    () => false,
  )
}

async function watchReturn(scene: Scene): Promise<void> {
  const acceptedMs = await scene.database.accepting()
  const isBack = (): boolean => {
    const lastCall = scene.receivers.arrivals.at(-1)?.atMs ?? 0
    return scene.workload.lastAcknowledgedMs > acceptedMs && lastCall > acceptedMs
  }
  await until('publishes and calls flow again', isBack, BACK_LIMIT_MS * 3).catch(() => undefined)
  const backMs = Date.now() - acceptedMs
  scene.databaseBackMs.push(backMs)
  if (backMs > BACK_LIMIT_MS) scene.workload.refusals.push(`back ${backMs} ms after the database`)
}

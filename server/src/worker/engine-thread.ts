import { parentPort, workerData } from 'node:worker_threads'
import { loggableError } from '../db/loggable-error.ts'
import { openPools } from '../db/pools.ts'
import { systemClock } from '../lib/clock.ts'
import { armFailpoints } from '../lib/failpoint.ts'
import { startTracer } from '../lib/tracer.ts'
import { parseEgressAllow } from '../webhooks/egress-policy.ts'
import type { EngineStart, FromEngine, ToEngine } from './engine-messages.ts'
import { createEngine } from './engine.ts'
import { unpackRecorded } from './recorded-message.ts'

/**
 * The thread in which the engine runs, beside the one that answers HTTP: each has a core to itself, and neither's garbage
 * or bursts delay the other. What the database holds is all they share; a message only ever saves a look at it.
 */
const { settings, bytesUnderWay, routedBell }: EngineStart = workerData
const port = parentPort
if (!port) throw new Error('This module is the start of a thread')

const tell = (message: FromEngine): void => port.postMessage(message)
const logAs =
  (level: 'debug' | 'info' | 'warn' | 'error') =>
  ({ err, ...facts }: { readonly err?: unknown }, message: string): void => {
    tell({ type: 'log', level, facts, error: err === undefined ? undefined : loggableError(err), message })
  }
const log = {
  info: logAs('info'),
  warn: logAs('warn'),
  error: logAs('error'),
  ...(settings.logsAttempts && { debug: logAs('debug') }),
}

armFailpoints(settings.failpoints)
const pools = openPools({
  url: settings.databaseUrl,
  onError: (err) => log.warn({ err }, 'a database connection broke'),
})
const tracer = await startTracer(settings.tracing)
const engine = createEngine({
  pools,
  masterKeys: settings.masterKeys,
  clock: systemClock,
  roles: settings.roles,
  egress: { ...settings.egress, allow: parseEgressAllow(settings.egress.allow) },
  schedule: settings.retrySchedule,
  callsMax: settings.callsMax,
  version: settings.version,
  tracer,
  onRouted: () => {
    if (Atomics.exchange(routedBell, 0, 0) === 1) tell({ type: 'routed' })
  },
  log,
})

port.on('message', (message: ToEngine) => {
  switch (message.type) {
    case 'recorded':
      Atomics.sub(bytesUnderWay, 0, message.bytes)
      engine.recorded(unpackRecorded(message.recorded))
      break
    case 'wake_router':
      engine.wakeRouter()
      break
    case 'wake_dispatcher':
      engine.wakeDispatcher(message.companyId, message.subscriptionId)
      break
    case 'read_stats':
      void answerStats()
      break
    case 'stop':
      void stop(message.graceMs)
      break
  }
})
engine.start()

async function answerStats(): Promise<void> {
  const metrics = await engine.readStats().catch((err: unknown) => {
    log.warn({ err }, 'metrics could not be read')
    return []
  })
  tell({ type: 'stats', metrics })
}

async function stop(graceMs: number): Promise<void> {
  await engine.stop(graceMs)
  await tracer?.stop()
  await pools.close()
  tell({ type: 'stopped' })
  port?.close()
}

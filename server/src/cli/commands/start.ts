import { pino } from 'pino'
import { loggableError } from '../../db/loggable-error.ts'
import type { Config } from '../config.ts'
import { startServer } from '../server.ts'
import { version } from '../version.ts'

/**
 * Runs Daybook until SIGINT or SIGTERM; a second signal ends it at once.
 *
 * With `json`, standard output gets exactly one line when everything is up:
 * `{"ready":true,"url":"http://127.0.0.1:4380","pid":1,"version":"0.1.0","api_key":"dbk_…"}`; `api_key` on the first start
 * only, `url` where the api role runs. The log goes to standard error.
 */
export async function start(config: Config, options: { readonly json: boolean }): Promise<void> {
  const serializers = { err: (error: unknown) => loggableError(error) }
  const logger = pino({ level: config.logLevel, base: null, serializers }, pino.destination(2))
  // Asked to stop while still starting: what was started is stopped as soon as it is up.
  const asked = Promise.withResolvers<void>()
  let signals = 0
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      signals++
      if (signals > 1) process.exit(1)
      asked.resolve()
    })
  }
  const server = await startServer(config, logger)
  const { url, firstApiKey } = server
  console.log(options.json ? readyLine(url, firstApiKey) : readyText(url, firstApiKey))
  await asked.promise
  await server.stop()
  // All is done. A request that the exporter of traces has open would hold the process for its own ten seconds.
  if (config.otlpEndpoint !== undefined) process.exit()
}

function readyLine(url: string | undefined, firstApiKey: string | undefined): string {
  return JSON.stringify({ ready: true, url, pid: process.pid, version, api_key: firstApiKey })
}

function readyText(url: string | undefined, firstApiKey: string | undefined): string {
  const lines = [url ? `Daybook ${version} is ready on ${url}` : `Daybook ${version} is ready`]
  if (firstApiKey !== undefined) {
    lines.push('', 'API key of the first company (shown once, keep it):', '', `    ${firstApiKey}`, '')
  }
  return lines.join('\n')
}

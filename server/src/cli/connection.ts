import { DaybookClient } from '@daybook/sdk'
import type { DaybookClientOptions, RequestOptions } from '@daybook/sdk'
import type { Command } from 'commander'
import type { Environment } from './config.ts'
import { parseExactJson } from './exact-json.ts'
import { UsageError } from './exit-codes.ts'

const defaultUrl = 'http://127.0.0.1:4380'

/** What every command that talks to a server takes. */
export interface ConnectionOptions {
  readonly url?: string
  readonly apiKey?: string
  readonly json?: true
}

export function addConnectionOptions(command: Command): Command {
  return command
    .option('--url <url>', `the server's address (DAYBOOK_URL, ${defaultUrl})`)
    .option('--api-key <key>', 'the API key (DAYBOOK_API_KEY)')
    .option('--json', 'answer in JSON, for programs')
}

/** Reads a route. Nothing checks that the answer is a `T`. */
export type Read = <T>(path: string, query?: RequestOptions['query']) => Promise<T>

/** To publish and to change things. */
export function connect(options: ConnectionOptions, env: Environment): DaybookClient {
  return makeClient(options, env)
}

/** To look at things. Numbers in payloads that JavaScript would round or spell otherwise are kept as they were published. */
export function connectToRead(options: ConnectionOptions, env: Environment): Read {
  const client = makeClient(options, env, { parseJson: parseExactJson })
  return async <T>(path: string, query: RequestOptions['query'] = {}) => await client.request<T>('GET', path, { query })
}

function makeClient(
  options: ConnectionOptions,
  env: Environment,
  more: Partial<DaybookClientOptions> = {},
): DaybookClient {
  const baseUrl = options.url ?? (env['DAYBOOK_URL'] || defaultUrl)
  const apiKey = options.apiKey ?? env['DAYBOOK_API_KEY']
  if (!apiKey) throw new UsageError('No API key: set DAYBOOK_API_KEY or give --api-key')
  try {
    return new DaybookClient({ baseUrl, apiKey, ...more })
  } catch {
    throw new UsageError(`Not an http or https address: ${baseUrl}`)
  }
}

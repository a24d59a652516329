import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { MasterKeys } from '../vault/master-keys.ts'
import { parseMasterKey } from '../vault/master-keys.ts'
import { Secret } from '../vault/secret.ts'
import type { DnsServers } from '../webhooks/dns-servers.ts'
import { parseDnsServers } from '../webhooks/dns-servers.ts'
import type { EgressAllow } from '../webhooks/egress-policy.ts'
import { parseEgressAllow } from '../webhooks/egress-policy.ts'
import type { EgressProxy } from '../webhooks/egress-proxy.ts'
import { parseEgressProxy } from '../webhooks/egress-proxy.ts'
import type { RetrySchedule } from '../webhooks/retry.ts'
import { defaultRetrySchedule } from '../webhooks/retry.ts'
import { parseAuthorities } from '../webhooks/webhook-tls.ts'

export const roles = ['api', 'router', 'dispatcher', 'maintenance'] as const
export type Role = (typeof roles)[number]

export interface Config {
  readonly host: string
  readonly port: number
  readonly dataDir: string
  /** Undefined: the embedded database. */
  readonly databaseUrl: string | undefined
  /** Undefined: in `masterKeyFile`. */
  readonly masterKeys: Secret<MasterKeys> | undefined
  /** Undefined: not said; the embedded database has one in its data directory. */
  readonly masterKeyFile: string | undefined
  readonly roles: ReadonlySet<Role>
  readonly bootstrapApiKey: string | undefined
  readonly operatorKey: string | undefined
  readonly metricsKey: string | undefined
  readonly egressAllow: EgressAllow
  readonly egressProxy: EgressProxy | undefined
  /** Authorities to trust beside the default ones, as PEM. */
  readonly egressCa: string | undefined
  readonly dnsServers: DnsServers
  readonly retrySchedule: RetrySchedule
  readonly callsMax: number
  /** Requests per second and API key; 0 is no limit. */
  readonly rateLimit: number
  readonly streamsMax: number
  readonly stopGraceMs: number
  readonly logLevel: string
  /** Base URL of the OTLP receiver that spans are sent to. */
  readonly otlpEndpoint: string | undefined
  readonly failpoints: string
}

/** The variables, with what the help and the README say of them. The only list. */
export const variables = {
  DAYBOOK_HOST: 'Address to listen on (127.0.0.1)',
  DAYBOOK_PORT: 'Port to listen on (4380; 0 for any free one)',
  DAYBOOK_DATA_DIR: 'Where the embedded database keeps its data (.daybook)',
  DATABASE_URL: 'A PostgreSQL 15 or later to use instead of the embedded one',
  DAYBOOK_MASTER_KEY: 'Seals secrets in the database: 32 bytes in base64, see daybook vault new-key (one is made)',
  DAYBOOK_MASTER_KEY_PREVIOUS: 'Earlier master keys, separated by commas, until daybook vault rotate is done (none)',
  DAYBOOK_MASTER_KEY_FILE:
    'A file with master keys instead, one per line, the newest first (master.key in the data directory)',
  DAYBOOK_ROLES: 'What this process does: api, router, dispatcher, maintenance, separated by commas (all)',
  DAYBOOK_BOOTSTRAP_API_KEY: "The first company's API key on an empty database, 32 characters or more (one is made)",
  DAYBOOK_OPERATOR_KEY: 'Key of the operator, who makes and lists companies, 32 characters or more (none)',
  DAYBOOK_METRICS_KEY: 'Key that /metrics asks for, 32 characters or more (none: open to whoever reaches the port)',
  DAYBOOK_EGRESS_ALLOW:
    'Hosts and CIDRs that webhooks may call beside public addresses, by plain http too; after ! never (none)',
  DAYBOOK_EGRESS_PROXY: 'Forward proxy for all webhooks, http://[user:password@]host:port (none)',
  DAYBOOK_EGRESS_CA_FILE: "PEM file with authorities to trust beside the public ones for webhooks' TLS (none)",
  DAYBOOK_DNS_SERVERS: "Name servers for webhook hosts, ip[:port], by commas; proxy: left to the proxy (the system's)",
  DAYBOOK_RETRY_SCHEDULE: 'Seconds to wait after each failed attempt, separated by commas (60,300,900)',
  DAYBOOK_CALLS_MAX: 'Webhook calls under way at once in this process (512)',
  DAYBOOK_RATE_LIMIT: 'Requests per second of one API key, in bursts of twice as many (5000; 0 for no limit)',
  DAYBOOK_STREAMS_MAX: 'Open streams of events in this process; a quarter is for companies with fewer than 50 (2000)',
  DAYBOOK_STOP_GRACE: 'Seconds to wait for calls under way when stopping (20)',
  DAYBOOK_LOG_LEVEL: 'trace, debug, info, warn, error or silent (info)',
  OTEL_EXPORTER_OTLP_ENDPOINT: 'Where traces are sent by OTLP over HTTP, such as http://127.0.0.1:4318 (nowhere)',
  DAYBOOK_FAILPOINTS: 'For tests only: where to break, see lib/failpoint.ts (none)',
  DAYBOOK_URL: 'Where the commands that talk to a server find it (http://127.0.0.1:4380)',
  DAYBOOK_API_KEY: 'The API key that these commands use',
} as const

export type Variable = keyof typeof variables
export type Environment = Readonly<Record<string, string | undefined>>

/** Thrown with one line per mistake; the command line prints it and ends with exit code 2. */
export class ConfigError extends Error {}

type Read = <Value>(name: Variable, fallback: string, parse: (text: string) => Value) => Value | undefined

/** Reads the environment once, at start. All mistakes are told in one message, by variable name. */
export function readConfig(env: Environment): Config {
  const mistakes: string[] = []
  const read: Read = (name, fallback, parse) => {
    try {
      return parse(env[name] || fallback)
    } catch (error) {
      mistakes.push(`  ${name}: ${error instanceof Error ? error.message : 'not understood'}`)
      return undefined
    }
  }
  for (const name of Object.keys(env)) {
    if (name.startsWith('DAYBOOK_') && !(name in variables)) mistakes.push(`  ${name}: no such variable`)
  }
  const config = {
    host: env['DAYBOOK_HOST'] || '127.0.0.1',
    port: read('DAYBOOK_PORT', '4380', wholeNumber(0, 65_535)),
    dataDir: resolve(env['DAYBOOK_DATA_DIR'] || '.daybook'),
    databaseUrl: env['DATABASE_URL'] || undefined,
    masterKeys: readMasterKeys(env, read, mistakes),
    masterKeyFile: env['DAYBOOK_MASTER_KEY_FILE'] ? resolve(env['DAYBOOK_MASTER_KEY_FILE']) : undefined,
    roles: read('DAYBOOK_ROLES', roles.join(','), parseRoles),
    bootstrapApiKey: read('DAYBOOK_BOOTSTRAP_API_KEY', '', longKey),
    operatorKey: read('DAYBOOK_OPERATOR_KEY', '', longKey),
    metricsKey: read('DAYBOOK_METRICS_KEY', '', longKey),
    egressAllow: read('DAYBOOK_EGRESS_ALLOW', '', parseEgressAllow),
    egressProxy: read('DAYBOOK_EGRESS_PROXY', '', (text) => (text === '' ? undefined : parseEgressProxy(text))),
    egressCa: read('DAYBOOK_EGRESS_CA_FILE', '', (path) =>
      path === '' ? undefined : parseAuthorities(fileText(path)),
    ),
    dnsServers: read('DAYBOOK_DNS_SERVERS', '', (text) => dnsServers(text, env)),
    retrySchedule: read(
      'DAYBOOK_RETRY_SCHEDULE',
      defaultRetrySchedule.map((ms) => ms / 1_000).join(','),
      parseSchedule,
    ),
    callsMax: read('DAYBOOK_CALLS_MAX', '512', wholeNumber(1, 10_000)),
    rateLimit: read('DAYBOOK_RATE_LIMIT', '5000', wholeNumber(0, 1_000_000)),
    streamsMax: read('DAYBOOK_STREAMS_MAX', '2000', wholeNumber(1, 100_000)),
    stopGraceMs: read('DAYBOOK_STOP_GRACE', '20', (text) => wholeNumber(0, 3_600)(text) * 1_000),
    logLevel: read('DAYBOOK_LOG_LEVEL', 'info', oneOf(['trace', 'debug', 'info', 'warn', 'error', 'silent'])),
    otlpEndpoint: read('OTEL_EXPORTER_OTLP_ENDPOINT', '', httpUrl),
    failpoints: env['DAYBOOK_FAILPOINTS'] ?? '',
  }
  if (mistakes.length > 0) throw new ConfigError(`Bad configuration:\n${mistakes.join('\n')}`)
  return config as Config
}

function readMasterKeys(env: Environment, read: Read, mistakes: string[]): Config['masterKeys'] {
  const key = read('DAYBOOK_MASTER_KEY', '', parseKeys) ?? []
  const previous = read('DAYBOOK_MASTER_KEY_PREVIOUS', '', parseKeys) ?? []
  if (key.length > 1) mistakes.push('  DAYBOOK_MASTER_KEY: one key; earlier ones stand in DAYBOOK_MASTER_KEY_PREVIOUS')
  if (previous.length > 0 && !env['DAYBOOK_MASTER_KEY']) {
    mistakes.push('  DAYBOOK_MASTER_KEY_PREVIOUS: only beside DAYBOOK_MASTER_KEY')
  }
  if (env['DAYBOOK_MASTER_KEY'] && env['DAYBOOK_MASTER_KEY_FILE']) {
    mistakes.push('  DAYBOOK_MASTER_KEY_FILE: not beside DAYBOOK_MASTER_KEY')
  }
  return key.length > 0 ? new Secret({ keys: [...key, ...previous] }) : undefined
}

function parseKeys(text: string): readonly Uint8Array[] {
  return text === '' ? [] : text.split(',').map((one) => parseMasterKey(one.trim()))
}

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (Number.isInteger(value) && value >= least && value <= most) return value
    throw new Error(`a whole number from ${least} to ${most}`)
  }
}

function fileText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new Error(`${path} cannot be read (${code ?? 'unknown error'})`, { cause: error })
  }
}

function dnsServers(text: string, env: Environment): DnsServers {
  const servers = parseDnsServers(text)
  if (servers === 'proxy' && !env['DAYBOOK_EGRESS_PROXY']) throw new Error('proxy needs DAYBOOK_EGRESS_PROXY')
  return servers
}

function oneOf(known: readonly string[]): (text: string) => string {
  return (text) => {
    if (known.includes(text)) return text
    throw new Error(`one of ${known.join(', ')}`)
  }
}

export function parseRoles(text: string): ReadonlySet<Role> {
  const named = text.split(',').map((one) => one.trim())
  return new Set(named.map((one) => oneOf(roles)(one) as Role))
}

function longKey(text: string): string | undefined {
  if (text === '') return undefined
  if (text.length >= 32 && /^[\x21-\x7e]+$/.test(text)) return text
  throw new Error('32 or more visible ASCII characters')
}

function httpUrl(text: string): string | undefined {
  if (text === '' || (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol))) return text || undefined
  throw new Error('an http or https URL')
}

function parseSchedule(text: string): RetrySchedule {
  return text.split(',').map((one) => {
    const seconds = Number(one)
    if (one.trim() !== '' && seconds >= 0 && seconds <= 30 * 86_400) return Math.round(seconds * 1_000)
    throw new Error('seconds, separated by commas')
  })
}

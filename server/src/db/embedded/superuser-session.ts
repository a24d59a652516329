import { Client } from 'pg'
import { digestSetting } from './server-settings.ts'

export const databaseName = 'daybook'

export interface ServerState {
  readonly settingsDigest: string | null
}

/**
 * Opens one connection to the server on `port`, makes the database unless it is there, and tells what the server was started
 * with. Rejects while the server is starting or stopping (`isTransient`), and when the server does not know the password:
 * SCRAM proves it both ways, so a stranger on that port cannot pass for ours.
 */
export async function prepareDatabase(port: number, password: string): Promise<ServerState> {
  const client = new Client({
    host: '127.0.0.1',
    port,
    user: 'daybook',
    password,
    database: 'postgres',
    ssl: false,
    application_name: 'daybook_supervisor',
    connectionTimeoutMillis: 5_000,
    query_timeout: 30_000,
  })
  // A connection that breaks also rejects the call in progress.
  client.on('error', () => undefined)
  try {
    await client.connect()
    const { rows } = await client.query<{ settings_digest: string | null; present: boolean }>({
      text: `
        select current_setting($1, true) as settings_digest,
               exists (select from pg_database where datname = $2) as present`,
      values: [digestSetting, databaseName],
    })
    if (rows[0]?.present !== true) await client.query(`create database ${databaseName}`)
    return { settingsDigest: rows[0]?.settings_digest ?? null }
  } finally {
    await client.end().catch(() => undefined)
  }
}

/** Errors that pass by themselves while a server starts, recovers or stops. */
const transientCodes = new Set([
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
])

export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if ('code' in error && typeof error.code === 'string') return transientCodes.has(error.code)
  return /connection terminated|timeout/i.test(error.message)
}

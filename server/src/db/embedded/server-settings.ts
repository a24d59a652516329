import { createHash } from 'node:crypto'

/** Suits one machine that PostgreSQL shares with Daybook. Given on the command line, so they follow this file, not the cluster. */
const defaults: Readonly<Record<string, string>> = {
  // A commit that was acknowledged survives a power failure.
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  // Few and long checkpoints: after each one, every page's first change is written to the log whole.
  max_wal_size: '2GB',
  checkpoint_timeout: '15min',
  // wal_compression stays off: these programs know only pglz, which costs more time than it saves.
  shared_buffers: '256MB',
  max_connections: '100',
  // The queue tables turn over all the time; the usual minute lets dead rows pile up.
  autovacuum_naptime: '15s',
  // Every statement is short; compiling one costs more than running it.
  jit: 'off',
  idle_in_transaction_session_timeout: '60s',
  password_encryption: 'scram-sha-256',
  timezone: 'UTC',
  log_timezone: 'UTC',
  lc_messages: 'C',
  logging_collector: 'off',
  log_destination: 'stderr',
  log_line_prefix: '%m [%p] ',
  // The server's own life and death only. A statement's error goes to the client that sent it; its text may quote a payload.
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
}

/** A setting of ours that PostgreSQL only carries: it tells what a running server was started with. */
export const digestSetting = 'daybook.settings_digest'

export interface ServerSettings {
  readonly values: Readonly<Record<string, string>>
  /** Equal when a server started by the same version with the same settings would be no different. */
  readonly digest: string
}

export function serverSettings(version: string, extra: Readonly<Record<string, string>> = {}): ServerSettings {
  const values = { ...defaults, ...extra }
  const text = JSON.stringify([version, Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1))])
  return { values, digest: createHash('sha256').update(text).digest('hex').slice(0, 16) }
}

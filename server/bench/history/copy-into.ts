import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { Client } from 'pg'
import type { Connection } from 'pg'

/** What the driver's connection can do in a COPY beside what its types tell. */
interface CopyConnection {
  readonly stream: Duplex
  sendCopyFromChunk(chunk: Buffer): void
  endCopyFrom(): void
}

/** Rows on their way into one table, over a connection of its own. */
export interface CopyInto {
  /** Lines in COPY's text format. Resolves when the next ones may come. Rejects when the server refused the rows before. */
  write(lines: string): Promise<void>
  /** Resolves when they are committed. */
  end(): Promise<void>
}

/** Begins a COPY into these columns. The connection ends with it, however it ends. */
export async function copyInto(url: string, table: string, columns: readonly string[]): Promise<CopyInto> {
  const client = new Client({ connectionString: url })
  await client.connect()
  const begun = Promise.withResolvers<CopyConnection>()
  const done = Promise.withResolvers<void>()
  client.on('error', done.reject)
  done.promise.catch(begun.reject) // and whoever writes or ends is told
  client.query({
    submit: (connection: Connection) => connection.query(`copy ${table} (${columns.join(', ')}) from stdin`),
    handleCopyInResponse: begun.resolve,
    handleCommandComplete: () => {},
    handleReadyForQuery: () => done.resolve(),
    handleError: done.reject,
  })
  const close = async (): Promise<void> => await client.end().catch(() => {})
  const connection = await begun.promise.catch(async (error: unknown) => {
    await close()
    throw error
  })
  return {
    write: async (lines) => {
      connection.sendCopyFromChunk(Buffer.from(lines))
      if (connection.stream.writableNeedDrain) await Promise.race([once(connection.stream, 'drain'), done.promise])
    },
    end: async () => {
      connection.endCopyFrom()
      try {
        await done.promise
      } finally {
        await close()
      }
    },
  }
}

/** A line of the text format. Texts must hold no backslash, tab or line end; bytes are written in hexadecimal. */
export function copyLine(values: readonly (string | number | boolean | Buffer | null)[]): string {
  return `${values.map(field).join('\t')}\n`
}

function field(value: string | number | boolean | Buffer | null): string {
  if (value === null) return '\\N'
  return Buffer.isBuffer(value) ? `\\\\x${value.toString('hex')}` : String(value)
}

import { setTimeout as delay } from 'node:timers/promises'
import { Client } from 'pg'
import type { Owner } from './cleanup.ts'
import type { HeadSample } from './evidence.ts'

const EVERY_MS = 50

/** Reads the heads of all companies again and again, past every proxy; without gaps but those of the database itself. */
export function sampleHeads(owner: Owner, databaseUrl: () => string): readonly HeadSample[] {
  const samples: HeadSample[] = []
  const stopped = new AbortController()
  const run = async (): Promise<void> => {
    let client: Client | undefined
    while (!stopped.signal.aborted) {
      try {
        client ??= await connect(databaseUrl())
        const startMs = Date.now()
        const { rows } = await client.query<{
          company_id: string
          last_position: string
          subscription_version: string
        }>('select company_id, last_position, subscription_version from company_heads')
        for (const row of rows) {
          const [lastPosition, version] = [Number(row.last_position), Number(row.subscription_version)]
          samples.push({ companyId: row.company_id, startMs, endMs: Date.now(), lastPosition, version })
        }
      } catch {
        await client?.end().catch(() => undefined)
        client = undefined
      }
      await delay(EVERY_MS)
    }
    await client?.end().catch(() => undefined)
  }
  const running = run()
  owner.after(async () => {
    stopped.abort()
    await running
  })
  return samples
}

async function connect(url: string): Promise<Client> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000, query_timeout: 2_000 })
  client.on('error', () => {})
  await client.connect()
  return client
}

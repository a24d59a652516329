import { createHmac } from 'node:crypto'
import type { Endpoint, Evidence, LedgerRow, SecretUse } from './evidence.ts'
import { endpointOf } from './evidence.ts'
import type { Arrival } from './receivers.ts'

interface Calls {
  readonly unexpected: string[]
  readonly faults: string[]
  /** Calls that were answered with 2xx and had to be made again, because the answer was lost. */
  readonly duplicated: number
  /** Attempts whose outcome was unknown to the sender: as many extra copies there may be. */
  readonly duplicateBound: number
}

/** How long a process may sign with a secret that it read before the secret ended: the lease of an attempt. */
const SECRET_LEEWAY_MS = 20_000

/** The calls against what was published and against the ledger: `key` is endpoint and event. */
export function checkCalls(evidence: Evidence): Calls {
  const { endpoints, publishes, arrivals, database } = evidence
  const unexpected: string[] = []
  const faults: string[] = []
  const positions = new Map(database.trail.map((row) => [row.event_id, row.position]))
  for (const arrival of arrivals) {
    const endpoint = endpoints.get(endpointOf(arrival.path))
    const publish = publishes.get(arrival.id)
    const what = `call of ${arrival.path} for event ${arrival.id}`
    if (!endpoint || !publish) unexpected.push(`${what}: nobody published or asked for it`)
    else if (endpoint.companyId !== publish.companyId) unexpected.push(`${what}: the event of another company`)
    else {
      if (!isSigned(arrival, endpoint)) faults.push(`${what}: no signature by a secret of its time`)
      if (!hasBytes(arrival, publish.payload)) faults.push(`${what}: other bytes than were published`)
      const body = JSON.parse(arrival.body.toString()) as Record<string, unknown>
      const position = positions.get(arrival.id)
      if (body['id'] !== arrival.id || body['type'] !== publish.eventName || body['position'] !== position) {
        faults.push(`${what}: its envelope tells of another event`)
      }
    }
  }
  const copies = countCopies(evidence)
  return { ...copies, unexpected, faults: [...faults, ...compare(evidence), ...copies.faults] }
}

/** Every call is in the ledger, and every answer in the ledger was given. */
function compare(evidence: Evidence): string[] {
  const faults: string[] = []
  const calls = callsByDelivery(evidence)
  const ledger = ledgerByDelivery(evidence)
  for (const [key, made] of calls) {
    const attempts = (ledger.get(key) ?? []).filter((row) => row.attempt_no > 0)
    if (made.length > attempts.length) {
      faults.push(`${key}: called ${made.length} times, the ledger has ${attempts.length} attempts`)
    }
  }
  for (const [key, rows] of ledger) {
    const given = (calls.get(key) ?? []).flatMap(({ status }) => status ?? [])
    for (const { response_status: status } of rows) {
      if (status === null) continue
      const index = given.indexOf(status)
      if (index < 0) faults.push(`${key}: the ledger has an answer ${status} that was not given`)
      else given.splice(index, 1)
    }
  }
  return faults
}

/**
 * A success that the ledger does not have is called again: a copy. Each must be explained by an attempt of the same delivery
 * that ended without an answer. Further successes are in the ledger, which has one ending per schedule.
 */
function countCopies(evidence: Evidence): { duplicated: number; duplicateBound: number; faults: string[] } {
  const ledger = ledgerByDelivery(evidence)
  const faults: string[] = []
  let duplicated = 0
  let duplicateBound = 0
  for (const [key, made] of callsByDelivery(evidence)) {
    const rows = ledger.get(key) ?? []
    const unanswered = rows.filter(isUnanswered).length
    duplicateBound += unanswered
    const given = made.filter(({ status, answered }) => answered && isSuccess(status)).length
    const copies = Math.max(0, given - rows.filter((row) => isSuccess(row.response_status ?? undefined)).length)
    duplicated += copies
    if (copies > unanswered)
      faults.push(`${key}: ${copies} successes are not in the ledger, ${unanswered} lost answers`)
  }
  return { duplicated, duplicateBound, faults }
}

function isSuccess(status: number | undefined): boolean {
  return status !== undefined && status >= 200 && status <= 299
}

function isUnanswered(row: LedgerRow): boolean {
  return row.attempt_no > 0 && row.response_status === null
}

function callsByDelivery({ arrivals }: Evidence): Map<string, Arrival[]> {
  return Map.groupBy(arrivals, ({ path, id }) => `${endpointOf(path)} ${id}`)
}

function ledgerByDelivery({ database }: Evidence): Map<string, LedgerRow[]> {
  const endpoints = new Map(database.versions.map((row) => [row.subscription_id, endpointOf(row.webhook_url)]))
  return Map.groupBy(database.ledger, (row) => `${endpoints.get(row.subscription_id)} ${row.event_id}`)
}

/** Written anew here, after the specification, so that a mistake in the product is not repeated by its checker. */
function isSigned(arrival: Arrival, endpoint: Endpoint): boolean {
  const given = arrival.signature.split(' ')
  if (Math.abs(Number(arrival.timestamp) * 1_000 - arrival.atMs) > 60_000) return false
  return secretsAt(endpoint.secrets, arrival.atMs).some((secret) => {
    const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
    const signed = createHmac('sha256', key).update(`${arrival.id}.${arrival.timestamp}.`).update(arrival.body)
    return given.includes(`v1,${signed.digest('base64')}`)
  })
}

/** Secrets that may have been in force: asked for before, and not ended for certain by a later one. */
function secretsAt(secrets: readonly SecretUse[], ms: number): string[] {
  return secrets
    .filter(({ sentMs }, index) => {
      const isOver = secrets.slice(index + 1).some(({ acknowledgedMs, overlapMs }) => {
        return acknowledgedMs !== undefined && acknowledgedMs + overlapMs + SECRET_LEEWAY_MS < ms
      })
      return sentMs <= ms && !isOver
    })
    .map(({ secret }) => secret)
}

function hasBytes({ body }: Arrival, payload: string): boolean {
  const tail = Buffer.from(`,"data":${payload}}`)
  return body.subarray(-tail.length).equals(tail)
}

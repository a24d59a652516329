import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { test } from 'node:test'
import type { Operation } from '../support/api-document.ts'
import { ApiDocument } from '../support/api-document.ts'
import { call, rowsOf } from '../support/api.ts'
import { API_KEY, startDaybook } from '../support/daybook-process.ts'
import { testDatabase } from '../support/database.ts'
import { dnsServer } from '../support/dns-server.ts'
import type { FuzzRequest } from '../support/fuzz/fuzz-request.ts'
import { described, faultsOfAnswer, validRequest } from '../support/fuzz/fuzz-request.ts'
import { KnownThings } from '../support/fuzz/known-things.ts'
import { mutated } from '../support/fuzz/mutations.ts'
import { Random } from '../support/fuzz/random.ts'
import { Samples } from '../support/fuzz/samples.ts'
import { RawSender } from '../support/fuzz/send-raw.ts'
import { scriptedReceiver } from '../support/scripted-receiver.ts'
import { OPERATOR_KEY } from './new-company.ts'

/** `DAYBOOK_FUZZ_SEED` repeats a run, `DAYBOOK_FUZZ_REQUESTS` makes it longer. */
const seed = Number(process.env['DAYBOOK_FUZZ_SEED'] ?? randomInt(2 ** 31))
const REQUESTS = Number(process.env['DAYBOOK_FUZZ_REQUESTS'] ?? 10_000)
const AT_ONCE = 8
/** Of requests that are sent as the document asks for them. */
const VALID_SHARE = 0.35
const SUBSCRIPTIONS_MAX = 30
/** Different ones, after which the run ends. */
const FAULTS_MAX = 20

test(`10,000 requests made from the document are answered as it says, and none with a 500 (seed ${seed})`, async (t) => {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  receiver.answer(({ id }) => ({ status: id.endsWith('0') ? 500 : 200 }))
  const dns = await dnsServer(t, () => 'NXDOMAIN')
  const server = await startDaybook(t, {
    DATABASE_URL: database.url,
    DAYBOOK_OPERATOR_KEY: OPERATOR_KEY,
    DAYBOOK_RATE_LIMIT: '0',
    DAYBOOK_DNS_SERVERS: dns.address,
  })
  const { url } = server
  const document = new ApiDocument((await call(url, 'GET', '/openapi.json')).body)
  // The key that asks, and a subscription that is always there to be sent to.
  const stays = await call(url, 'POST', '/events/subscriptions', { webhook_url: receiver.url, event_names: ['*'] })
  const own = rowsOf(await call(url, 'GET', '/api-keys')).map((row) => row['id'])
  const known = new KnownThings([...own, stays.body['id']])
  const names = rowsOf(await call(url, 'GET', '/events/schemas')).map((row) => String(row['event_name']))
  const definitions = await Promise.all(
    names.map(async (event_name) => {
      const { schema } = (await call(url, 'GET', `/events/schemas/${event_name}`)).body
      return { event_name, schema }
    }),
  )
  const urls = [`${receiver.url}/hook`, 'https://example.com/webhook', 'http://127.0.0.1:9/nobody']
  const samples = new Samples(document, known, urls, definitions)
  const keys = { company: API_KEY, operator: OPERATOR_KEY }
  const sender = new RawSender(url)
  t.after(() => sender.close())
  /** The first request that met each fault. */
  const failures = new Map<string, string>()
  const statuses = new Map<string, Map<number, number>>()
  const subscriptions: string[] = []

  function note(fault: string, request: FuzzRequest): void {
    if (!failures.has(fault)) failures.set(fault, described(request))
  }

  async function ask(request: FuzzRequest): Promise<void> {
    const answer = await sender.send(request)
    if (!answer) return
    const { operation, method } = request
    const counts = statuses.get(operation.operationId) ?? new Map<number, number>()
    statuses.set(operation.operationId, counts.set(answer.status, (counts.get(answer.status) ?? 0) + 1))
    for (const fault of faultsOfAnswer(document, request, answer)) note(fault, request)
    if (answer.status >= 300 || method === 'HEAD' || answer.text === '') return
    if (!answer.headers.get('content-type')?.startsWith('application/json')) return
    const body: unknown = JSON.parse(answer.text)
    known.learn(operation.path, body)
    if (operation.operationId === 'createSubscription') subscriptions.push(String(Reflect.get(Object(body), 'id')))
  }

  /** Otherwise every event is soon owed to hundreds. */
  async function endOldSubscriptions(): Promise<void> {
    if (subscriptions.length <= SUBSCRIPTIONS_MAX) return
    await call(url, 'DELETE', `/events/subscriptions/${subscriptions.shift()}`)
  }

  let begun = 0
  const askOn = async (): Promise<void> => {
    while (begun < REQUESTS && failures.size < FAULTS_MAX) {
      const n = begun++
      const random = new Random(seed + Math.imul(n, 0x9e3779b1))
      const operation = document.operations[n % document.operations.length]
      assert.ok(operation)
      let request = validRequest(operation, random, { samples, known, keys })
      if (!random.chance(VALID_SHARE)) request = mutated(request, random)
      if (random.chance(0.15)) request = mutated(request, random)
      try {
        await ask(request)
      } catch (error) {
        note(String(error), request)
      }
      await endOldSubscriptions()
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, askOn))
  const faults = [...failures].map(([fault, request]) => `${fault}\n${request}`)
  assert.equal(failures.size, 0, `repeat with DAYBOOK_FUZZ_SEED=${seed}\n\n${faults.join('\n\n')}`)

  const isTaken = ({ operationId }: Operation): boolean =>
    [...(statuses.get(operationId)?.keys() ?? [])].some((status) => status < 300)
  const neverTaken = document.operations.filter((operation) => !isTaken(operation))
  const told = neverTaken.map(({ operationId }) => operationId).join(' ')
  assert.ok(neverTaken.length * 4 < document.operations.length, `too few requests were taken: none of ${told}`)
  assert.equal((await fetch(`${url}/healthz`)).status, 200)
  assert.equal((await fetch(`${url}/readyz`)).status, 200)
  const errors = server
    .log()
    .split('\n')
    .filter((line) => /"level":(50|60|"error"|"fatal")/.test(line))
  assert.deepEqual(errors, [])
})

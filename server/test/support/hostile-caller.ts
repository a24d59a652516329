/**
 * A process that calls the URLs of its arguments, 500 at once, and prints what became of them and how its memory grew. To be
 * run with --expose-gc: what is measured is what stays after a collection, all through the calls.
 */
import { parseEgressAllow } from '../../src/webhooks/egress-policy.ts'
import { HttpPoster } from '../../src/webhooks/http-post.ts'
import { reasonOf } from '../../src/webhooks/retry.ts'

export interface CallerReport {
  /** Reasons by URL, each once. */
  readonly reasons: Readonly<Record<string, readonly string[]>>
  /** The slowest call. */
  readonly longestMs: number
  readonly growthBytes: number
}

const atOnce = 500
const timeoutMs = 2_000
const urls = process.argv.slice(2)
const collect = globalThis.gc
if (!collect) throw new Error('to be run with --expose-gc')

const poster = new HttpPoster({ allow: parseEgressAllow('127.0.0.0/8'), maxSocketsPerOrigin: atOnce })
const body = Buffer.alloc(200_000, 'x')
const reasons: Record<string, string[]> = {}
let longestMs = 0

async function callAll(count: number): Promise<void> {
  const calls = Array.from({ length: count }, async (_, n) => {
    const url = urls[n % urls.length] ?? ''
    const startedAt = performance.now()
    const result = await poster.post({ url: new URL(url), headers: {}, body, timeoutMs })
    longestMs = Math.max(longestMs, performance.now() - startedAt)
    const reason = reasonOf(result)
    const known = (reasons[url] ??= [])
    if (!known.includes(reason)) known.push(reason)
  })
  await Promise.all(calls)
}

function memory(): number {
  collect?.()
  return process.memoryUsage.rss()
}

await callAll(urls.length)
longestMs = 0
const before = memory()
let most = before
const sampling = setInterval(() => (most = Math.max(most, memory())), 50)
await callAll(atOnce)
clearInterval(sampling)
const report: CallerReport = { reasons, longestMs, growthBytes: Math.max(most, memory()) - before }
console.log(JSON.stringify(report))
await poster.close()

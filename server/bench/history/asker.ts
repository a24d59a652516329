/** Process: asks a server one request after the other and tells what each took. */
import { Pool } from 'undici'
import { answerCalls } from '../calls.ts'
import { sharedNowMs } from '../shared-clock.ts'

export interface Ask {
  readonly path: string
  /** Asked first, outside of what is timed: its `next_cursor` is added to `path`. */
  readonly cursorPath?: string
}

export interface AskPlan {
  readonly url: string
  readonly apiKey: string
  readonly asks: readonly Ask[]
}

export interface AskReport {
  /** To the last byte of each answer. */
  readonly tookMs: Float64Array
  /** Entries of lists in all answers together. */
  readonly rows: number
}

const calls = { ask }

export type Asker = typeof calls

const BASE = '/api/v1'

/** Rejects when an answer is no 200. */
async function ask({ url, apiKey, asks }: AskPlan): Promise<AskReport> {
  const pool = new Pool(url, { connections: 1, pipelining: 1, allowH2: false })
  const headers = { authorization: `Bearer ${apiKey}` }
  const get = async (path: string): Promise<string> => {
    const { statusCode, body } = await pool.request({ path: BASE + path, method: 'GET', headers })
    const text = await body.text()
    if (statusCode !== 200) throw new Error(`${statusCode} to ${path}: ${text}`)
    return text
  }
  const tookMs = new Float64Array(asks.length)
  let rows = 0
  try {
    for (const [index, { path, cursorPath }] of asks.entries()) {
      // At the end of a list there is none; then it is asked from its beginning.
      const cursor = cursorPath === undefined ? undefined : listIn(await get(cursorPath)).next_cursor
      const wanted = cursor ? `${path}&cursor=${cursor}` : path
      const beganMs = sharedNowMs()
      const text = await get(wanted)
      tookMs[index] = sharedNowMs() - beganMs
      rows += listIn(text).data?.length ?? 0
    }
  } finally {
    await pool.close()
  }
  return { tookMs, rows }
}

interface Answer {
  readonly data?: readonly unknown[]
  readonly next_cursor?: string | null
}

function listIn(text: string): Answer {
  const answer: Answer = JSON.parse(text)
  return answer
}

answerCalls(calls)

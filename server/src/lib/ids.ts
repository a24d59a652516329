/** UUIDs (RFC 9562) as canonical lower-case text: version 7 for what is made, version 8 for what is derived. */
import { hash, randomFillSync } from 'node:crypto'

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const uuidV7Pattern = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i

/** Where walks over ids begin, up or down. */
export const BEFORE_ALL_IDS = '00000000-0000-0000-0000-000000000000'
export const AFTER_ALL_IDS = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

/** In either case of letters, any version and variant. */
export function isUuid(text: string): boolean {
  return uuidPattern.test(text)
}

export function isUuidV7(text: string): boolean {
  return uuidV7Pattern.test(text)
}

/** The one spelling under which an id is stored, compared and hashed; undefined if the text is no UUID. */
export function canonicalUuid(text: string): string | undefined {
  return isUuid(text) ? text.toLowerCase() : undefined
}

/** Milliseconds since 1970 in the first 48 bits of a version 7 id, and of our version 8 ids. */
export function idTimeMs(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
}

const oldestEventIdMs = 30 * 24 * 60 * 60 * 1000
const newestEventIdMs = 5 * 60 * 1000

/** Whether a publisher may name an event so: version 7, dated from 30 days ago to 5 minutes ahead, both included. */
export function checkEventId(id: string, nowMs: number): 'ok' | 'not_v7' | 'too_old' | 'too_new' {
  if (!isUuidV7(id)) return 'not_v7'
  const ageMs = nowMs - idTimeMs(id)
  if (ageMs > oldestEventIdMs) return 'too_old'
  if (ageMs < -newestEventIdMs) return 'too_new'
  return 'ok'
}

/**
 * The bound of a partition that begins at a time: not after any id that carries this millisecond, whatever its version,
 * and after every id that carries an earlier one. Itself no version 7 id.
 */
export function firstIdOfMs(timeMs: number): string {
  checkTime(timeMs)
  return `${timeText(timeMs)}-0000-0000-000000000000`
}

const timeMsMax = 2 ** 48 - 1
const counterMax = 0xfff
/** A clock that is set back by more than this is followed; until then ids go on from the latest time. */
const followedStepBackMs = 10_000

let lastMs = 0
let counter = 0

/**
 * A new version 7 id, greater than all this process made before (RFC 9562 section 6.2, method 1): the 12 bits after the
 * version count within the millisecond from a random start in their lower half, and when they are used up the time goes
 * one millisecond ahead. The 62 bits after them are random in every id, so processes need not know of each other. Only
 * when the time steps back by more than ten seconds are new ids smaller than old ones.
 */
export function newId(nowMs: number = Date.now()): string {
  checkTime(nowMs)
  const at = takeRandomBytes(10)
  if (nowMs > lastMs || nowMs < lastMs - followedStepBackMs) startMs(nowMs, at)
  else if (counter < counterMax) counter++
  else startMs(lastMs + 1, at)
  const third = (0x7000 | counter).toString(16)
  const fourth = (0x8000 | (randomPool.readUInt16BE(at + 2) & 0x3fff)).toString(16)
  return `${timeText(lastMs)}-${third}-${fourth}-${randomPool.toString('hex', at + 4, at + 10)}`
}

function startMs(timeMs: number, at: number): void {
  lastMs = timeMs
  counter = randomPool.readUInt16BE(at) & (counterMax >> 1)
}

/** A system call for each id would cost more than the rest of it. */
const randomPool = Buffer.alloc(10 * 1024)
let randomUsed = randomPool.length

/** Gives the offset in the pool of bytes that no one had before. */
function takeRandomBytes(count: number): number {
  if (randomUsed + count > randomPool.length) {
    randomFillSync(randomPool)
    randomUsed = 0
  }
  randomUsed += count
  return randomUsed - count
}

let textOfMs = -1
let timeTextOfMs = ''

/** The first two groups, `xxxxxxxx-xxxx`. Most calls ask for the same millisecond as the one before. */
function timeText(timeMs: number): string {
  if (timeMs !== textOfMs) {
    const hex = timeMs.toString(16).padStart(12, '0')
    timeTextOfMs = `${hex.slice(0, 8)}-${hex.slice(8)}`
    textOfMs = timeMs
  }
  return timeTextOfMs
}

function checkTime(timeMs: number): void {
  if (Number.isInteger(timeMs) && timeMs >= 0 && timeMs <= timeMsMax) return
  throw new RangeError('an id carries whole milliseconds from 1970 on, in 48 bits')
}

const noReplay = Buffer.alloc(16)

/**
 * The id of the delivery of an event to a subscription, once as an event happens and once per replay. Derived, so that a
 * fan-out that is run again makes the same rows: a version 8 id with the time of the event's id, then the first 80 bits of
 * SHA-256(subscription id ‖ event id ‖ replay id), 16 bytes each and zeros for no replay, six of the bits replaced by
 * version and variant.
 */
export function deliveryId(subscriptionId: string, eventId: string, replayId?: string): string {
  const replay = replayId === undefined ? noReplay : idBytes(replayId)
  const digest = hash('sha256', Buffer.concat([idBytes(subscriptionId), idBytes(eventId), replay]), 'hex')
  const fourth = ((Number.parseInt(digest.slice(4, 8), 16) & 0x3fff) | 0x8000).toString(16)
  const time = eventId.slice(0, 13).toLowerCase()
  return `${time}-8${digest.slice(1, 4)}-${fourth}-${digest.slice(8, 20)}`
}

/** Throws if the text is no UUID: an id from a shorter one would not be unique. */
function idBytes(id: string): Buffer {
  if (!isUuid(id)) throw new TypeError('not a UUID')
  return Buffer.from(id.replaceAll('-', ''), 'hex')
}

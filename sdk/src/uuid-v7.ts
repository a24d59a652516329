let lastMs = 0
let counter = 0

/**
 * A UUID of version 7 (RFC 9562 section 6.2, method 1), greater than those this module made before as long as the clock does
 * not step back by more than ten seconds. The 12 bits after the version count within a millisecond from a random start.
 */
export function uuidV7(nowMs: number = Date.now()): string {
  const random = crypto.getRandomValues(new Uint16Array(5))
  const [start = 0, fourth = 0, ...rest] = random
  if (nowMs > lastMs || nowMs < lastMs - 10_000) {
    lastMs = nowMs
    counter = start & 0x7ff
  } else if (counter < 0xfff) {
    counter++
  } else {
    lastMs++
    counter = start & 0x7ff
  }
  const time = hex(lastMs, 12)
  const tail = rest.map((unit) => hex(unit, 4)).join('')
  return `${time.slice(0, 8)}-${time.slice(8)}-${hex(0x7000 | counter, 4)}-${hex(0x8000 | (fourth & 0x3fff), 4)}-${tail}`
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0')
}

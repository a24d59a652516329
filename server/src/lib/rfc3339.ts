const form = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$/

/**
 * Milliseconds since 1970 of an RFC 3339 date-time with offset (section 5.6), finer fractions cut; undefined for any other
 * text, for days and hours that do not exist, and for leap seconds.
 */
export function parseRfc3339(text: string): number | undefined {
  const match = form.exec(text)
  if (!match) return undefined
  const [, year, month, day, hour, minute, second, fraction = '', offset = 'Z'] = match
  const ms = Number(fraction.slice(1, 4).padEnd(3, '0'))
  const local = new Date(0)
  local.setUTCFullYear(Number(year), Number(month) - 1, Number(day))
  local.setUTCHours(Number(hour), Number(minute), Number(second), ms)
  // A day or hour that does not exist rolls over into the next.
  if (local.getUTCDate() !== Number(day) || local.getUTCMonth() !== Number(month) - 1) return undefined
  if (local.getUTCHours() !== Number(hour) || local.getUTCMinutes() !== Number(minute)) return undefined
  return local.getTime() - offsetMs(offset)
}

function offsetMs(offset: string): number {
  if (offset === 'Z' || offset === 'z') return 0
  const minutes = Number(offset.slice(1, 3)) * 60 + Number(offset.slice(4, 6))
  return (offset.startsWith('-') ? -minutes : minutes) * 60_000
}

/** Values that programs stumble over. */
import type { Random } from './random.ts'

export const oddTexts: readonly string[] = [
  '',
  ' ',
  '\0',
  'a\0b',
  'null',
  'undefined',
  'true',
  '0',
  '-1',
  '1e309',
  '__proto__',
  'constructor',
  'toString',
  '../../etc/passwd',
  '*',
  '.',
  'a.*.b',
  "' or 1=1 --",
  '$1',
  '%',
  '%s%n',
  '\\',
  '\r\nx: y',
  '\u2028',
  '\uFEFFbom',
  '\uFFFF',
  '\uD83D',
  '\uDE00x',
  '👩‍👩‍👧‍👦',
  'e\u0301\u0301\u0301',
  '\u202Eabc',
  'İıſK',
  'Ω'.repeat(201),
  'x'.repeat(201),
  'x'.repeat(1_001),
  'x'.repeat(20_000),
  '00000000-0000-0000-0000-000000000000',
  'ffffffff-ffff-7fff-bfff-ffffffffffff',
  '2026-02-30T00:00:00Z',
  '9999-12-31T23:59:59.999Z',
  '0000-01-01T00:00:00Z',
  '+275760-09-13T00:00:00Z',
  '-999999999d',
  'now',
  'http://[::1',
  'https://exämple.com/ü?q=\u0001',
  'javascript:alert(1)',
]

const oddNumbers: readonly number[] = [
  0,
  -0,
  -1,
  1.5,
  2 ** 31,
  -(2 ** 31) - 1,
  2 ** 53,
  -(2 ** 53),
  2 ** 63,
  1e21,
  1e308,
  5e-324,
]

const oddOthers: readonly unknown[] = [null, true, false, [], {}, [[]], [null], { a: { b: {} } }, [1, 'a', {}]]

export const oddNames: readonly string[] = [
  'colour',
  '__proto__',
  'constructor',
  'hasOwnProperty',
  '',
  'a/b~c',
  'ü',
  '\uD800',
]

/** A value of any type. */
export function oddValue(random: Random): unknown {
  const kind = random.below(8)
  if (kind < 3) return random.pick(oddTexts)
  if (kind < 5) return random.pick(oddNumbers)
  if (kind < 7) return random.pick(oddOthers)
  return nested(random.pick([3, 33, 64, 70, 2_000]) ?? 3, random.chance(0.5))
}

function nested(depth: number, asArray: boolean): unknown {
  let value: unknown = 1
  for (let level = 0; level < depth; level++) value = asArray ? [value] : { a: value }
  return value
}

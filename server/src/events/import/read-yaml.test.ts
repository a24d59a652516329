import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { stringify } from 'yaml'
import { readYaml } from './read-yaml.ts'

const valueOf = (text: string): unknown => {
  const read = readYaml(text)
  return 'value' in read ? read.value : read.faults.map(({ pointer, code }) => `${pointer} ${code}`)
}

test('what JSON can say is read as YAML 1.2 has it', () => {
  assert.deepEqual(valueOf('a: 1\nb: [x, no, null, 2026-03-01, 0x10]\n200: {d: "e"}'), {
    a: 1,
    b: ['x', 'no', null, '2026-03-01', 16],
    '200': { d: 'e' },
  })
  assert.deepEqual(valueOf('base: &b {x: 1}\nmore: [*b, *b]'), { base: { x: 1 }, more: [{ x: 1 }, { x: 1 }] })
})

test('what JSON cannot say is refused with its place', () => {
  const wrong = {
    'a: .nan': ['/a malformed_yaml'],
    '? [x]\n: 1': [' malformed_yaml'],
    'a: 1\na: 2': ['/a duplicate_key'],
    'b: &b {x: 1}\na:\n  <<: *b': ['/a/<< yaml_merge_key'],
    'a: *nothing': ['/a malformed_yaml'],
    'a: &a [*a]': ['/a/0 circular_reference'],
    'a: !!binary aGk=': ['/a malformed_yaml'],
    'a: !thing {}': [' malformed_yaml'],
    '--- 1\n--- 2': [' malformed_yaml'],
    '': [' malformed_yaml'],
    'a: "': [' malformed_yaml'],
  }
  for (const [text, faults] of Object.entries(wrong)) assert.deepEqual(valueOf(text), faults, text)
})

test('any JSON value written as YAML is read back', () => {
  const value = fc.jsonValue({ maxDepth: 4 }).filter((one) => one !== null && typeof one === 'object')
  fc.assert(
    fc.property(value, (one) => {
      if (/"(?:<<|__proto__)":|-0/.test(JSON.stringify(one)) || hasNegativeZero(one)) return
      assert.deepEqual(JSON.stringify(valueOf(stringify(one, { aliasDuplicateObjects: false }))), JSON.stringify(one))
    }),
  )
})

function hasNegativeZero(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.values(value).some(hasNegativeZero)
  return Object.is(value, -0)
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { jsonMembers } from './json-members.ts'

test('every member of any object is found, with its value', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()),
      fc.constantFrom(0, 1, '\t'),
      (object, space) => {
        const found = jsonMembers(JSON.stringify(object, null, space))
        const parsed = JSON.parse(JSON.stringify(object)) as Record<string, unknown>
        assert.deepEqual(
          [...(found ?? [])].map(([key, text]): [string, unknown] => [key, JSON.parse(text)]),
          Object.entries(parsed),
        )
      },
    ),
  )
})

test('values stay as they are written', () => {
  const found = jsonMembers(' { "a" : 1.0 , "b\\u0022":[ 1e2, {"}":"]\\""} ],"c":"\\\\" ,"d":12345678901234567890}')
  assert.deepEqual(
    [...(found ?? [])],
    [
      ['a', '1.0'],
      ['b"', '[ 1e2, {"}":"]\\""} ]'],
      ['c', '"\\\\"'],
      ['d', '12345678901234567890'],
    ],
  )
})

test('what is no object has no members', () => {
  for (const text of ['[]', '"{}"', '1', 'null', ' [{"a":1}]']) assert.equal(jsonMembers(text), undefined)
})

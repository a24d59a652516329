import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseStoredJson } from '../lib/json-text.ts'
import { createSchemaCompiler } from './compile-schema.ts'

/** The faults that a schema of its own compiler finds, as `code pointer`. */
function find(schema: unknown, payload: unknown): string[] {
  return createSchemaCompiler()(schema)(payload).map(({ code, pointer }) => `${code} ${pointer}`)
}

describe('patterns', () => {
  test('of two schemas of one compiler are not taken for one another', () => {
    const compile = createSchemaCompiler()
    const first = compile({ type: 'string', pattern: '^z+$' })
    const second = compile({ type: 'string', pattern: '^b$' })
    assert.deepEqual(first('zzz'), [])
    assert.equal(second('zzz')[0]?.code, 'pattern')
    assert.deepEqual(second('b'), [])
    assert.equal(first('b')[0]?.code, 'pattern')
  })

  test('within one schema are not taken for one another', () => {
    const schema = { properties: { a: { pattern: '^a$' }, b: { pattern: '^b$' } }, patternProperties: { '^c': false } }
    assert.deepEqual(find(schema, { a: 'b', b: 'a', c: 1 }), ['pattern /a', 'pattern /b', 'not /c'])
    assert.deepEqual(find(schema, { a: 'a', b: 'b' }), [])
  })

  test('that are hostile take time linear in the text', () => {
    const text = `${'a'.repeat(50_000)}!`
    for (const pattern of ['^(a+)+$', '^(a|a)*$', '^(\\w+\\s?)*$', '^(a*)*b$']) {
      const validate = createSchemaCompiler()({ type: 'string', pattern })
      const startedAt = performance.now()
      assert.equal(validate(text)[0]?.code, 'pattern', pattern)
      assert.ok(performance.now() - startedAt < 1_000, `${pattern} took ${performance.now() - startedAt} ms`)
    }
  })

  test('that need backtracking are refused when the schema is compiled', () => {
    for (const pattern of ['a(?=b)', '(?<!a)b', '(a)\\1', '(a{1000}){1000}', '(']) {
      assert.throws(() => createSchemaCompiler()({ pattern }), Error, pattern)
    }
  })

  test('are written as in ECMA-262', () => {
    assert.deepEqual(find({ pattern: '^\\u0041\\/\\d$' }, 'A/1'), [])
    assert.deepEqual(find({ pattern: '^.$' }, '😀'), [])
    assert.deepEqual(find({ pattern: '^b$' }, 'b\n'), ['pattern '])
  })
})

describe('formats', () => {
  test('take time linear in the text', () => {
    const texts = ['a', 'a.', 'a-', ':', '%', '1', '~', ' ', '/', '@'].map((one) => one.repeat(50_000))
    for (const format of [
      'date',
      'date-time',
      'duration',
      'email',
      'hostname',
      'ipv6',
      'uri',
      'uri-reference',
      'json-pointer',
    ]) {
      const validate = createSchemaCompiler()({ type: 'string', format })
      for (const text of [...texts, ...texts.flatMap((one) => [`http://${one}`, `a@${one}`, `P${one}`])]) {
        const startedAt = performance.now()
        validate(text)
        assert.ok(performance.now() - startedAt < 1_000, `${format} of ${text.slice(0, 10)}…`)
      }
    }
  })

  test('of times are those of occurred_at: RFC 3339 with an offset, days that exist', () => {
    const schema = { format: 'date-time' }
    assert.deepEqual(find(schema, '2026-03-01T09:30:00.123456+01:00'), [])
    for (const text of ['2026-03-01T09:30:00', '2026-03-01 09:30:00Z', '2026-02-29T00:00:00Z', 'yesterday', '']) {
      assert.deepEqual(find(schema, text), ['format '], text)
    }
  })

  test('that are not known are annotations', () => {
    assert.deepEqual(find({ type: 'string', format: 'iban' }, 'anything'), [])
  })
})

test('unknown keywords do not disturb', () => {
  const schema = {
    type: 'object',
    'x-anything': [1],
    properties: {
      name: { type: 'string', 'x-personal': { category: 'name', subject: '/customer_id' }, unheardOf: true },
    },
  }
  assert.deepEqual(find(schema, { name: 'Mara' }), [])
  assert.deepEqual(find(schema, { name: 1 }), ['type /name'])
})

test('what is no schema is refused when it is compiled', () => {
  for (const schema of [null, 'string', 7, [], { type: 'text' }, { required: 'a' }, { $ref: '#/$defs/none' }]) {
    assert.throws(() => createSchemaCompiler()(schema), Error, JSON.stringify(schema))
  }
})

test('a schema that fetches another is refused when it is compiled', () => {
  assert.throws(() => createSchemaCompiler()({ $ref: 'https://example.com/schema.json' }))
})

test('an asynchronous schema, whose answer would read as valid, is refused', () => {
  assert.throws(() => createSchemaCompiler()({ $async: true, type: 'string' }), /asynchronous/)
})

describe('the pointer of a fault', () => {
  test('leads to the value, through objects and arrays', () => {
    const schema = { properties: { list: { items: { properties: { n: { type: 'integer' } } } } } }
    assert.deepEqual(find(schema, { list: [{ n: 1 }, { n: 'x' }, { n: 1.5 }] }), ['type /list/1/n', 'type /list/2/n'])
  })

  test('escapes slash and tilde, in keys of the schema and of the payload', () => {
    const inner = { type: 'object', required: ['m~n/o'], properties: { 'p~/q': { type: 'string' } } }
    const schema = { properties: { 'a/b': inner }, additionalProperties: { type: 'number' } }
    assert.deepEqual(find(schema, { 'a/b': { 'p~/q': 1 }, 'c~d/e~1': 'x' }).sort(), [
      'required /a~1b/m~0n~1o',
      'type /a~1b/p~0~1q',
      'type /c~0d~1e~01',
    ])
  })

  test('leads to where a missing member should stand', () => {
    assert.deepEqual(find({ required: ['a', 'b'] }, { b: 1 }), ['required /a'])
    assert.deepEqual(find({ dependentRequired: { a: ['b'] } }, { a: 1 }), ['dependentRequired /b'])
  })

  test('leads to a member too many or ill-named', () => {
    assert.deepEqual(find({ additionalProperties: false }, { 'a/b': 1 }), ['additionalProperties /a~1b'])
    assert.deepEqual(find({ unevaluatedProperties: false }, { x: 1 }), ['unevaluatedProperties /x'])
    assert.deepEqual(find({ propertyNames: { maxLength: 2 } }, { ok: 1, long: 1 }), ['maxLength /long'])
  })

  test('is empty for the payload itself', () => {
    for (const payload of [null, [], 'text', 1, true]) assert.deepEqual(find({ type: 'object' }, payload), ['type '])
  })

  test('is cut to an object on the way when a key is very long', () => {
    const schema = { additionalProperties: { additionalProperties: { type: 'string' } } }
    const [fault] = createSchemaCompiler()(schema)({ outer: { ['k'.repeat(100_000)]: 1 } })
    assert.equal(fault?.pointer, '/outer')
  })
})

describe('a message', () => {
  test('never holds a value or key of the payload', () => {
    const schema = {
      properties: {
        enum: { enum: ['a', 'b'] },
        const: { const: 'c' },
        format: { format: 'email' },
        pattern: { pattern: '^x$' },
        length: { maxLength: 3 },
        type: { type: 'integer' },
        items: { uniqueItems: true, maxItems: 1, contains: { const: 1 } },
        any: { anyOf: [{ type: 'number' }, { const: 'c' }] },
        one: { oneOf: [{ type: 'number' }, { const: 'c' }] },
        not: { not: { type: 'string' } },
        closed: { additionalProperties: false, propertyNames: { maxLength: 3 } },
        when: parseStoredJson('{ "if": true, "then": { "type": "number" } }'),
        never: false,
      },
      dependentRequired: { enum: ['needed'] },
    }
    const keys = Object.keys(schema.properties)
    const payload: Record<string, unknown> = Object.fromEntries(keys.map((key) => [key, 'secret']))
    payload['items'] = ['secret', 'secret']
    payload['closed'] = { secret: 1 }
    const faults = createSchemaCompiler()(schema)(payload)
    assert.deepEqual(
      keys.filter((key) => !faults.some(({ pointer }) => pointer.startsWith(`/${key}`))),
      [],
    )
    for (const { message } of faults) {
      assert.doesNotMatch(message, /secret/)
      assert.doesNotMatch(message, /undefined|\[object/)
    }
  })

  test('says what is wanted', () => {
    const message = (schema: unknown, payload: unknown) => createSchemaCompiler()(schema)(payload)[0]?.message
    assert.equal(message({ enum: ['a', 'b'] }, 'c'), 'Must be one of "a", "b"')
    assert.equal(message({ type: ['string', 'integer'] }, null), 'Must be of type string or integer')
    assert.equal(message({ minLength: 1 }, ''), 'Must have at least 1 character')
    assert.match(message({ format: 'date-time' }, 'now') ?? '', /RFC 3339/)
  })
})

describe('faults', () => {
  test('of a small payload are all listed, up to 50', () => {
    const schema = { items: { type: 'string' } }
    assert.equal(
      find(
        schema,
        Array.from({ length: 49 }, () => 1),
      ).length,
      49,
    )
    assert.equal(
      find(
        schema,
        Array.from({ length: 400 }, () => 1),
      ).length,
      50,
    )
  })

  test('of a large payload are found as fast as it can be read: the first is told', () => {
    const element = { type: 'object', required: ['a', 'b'], properties: { a: { $ref: '#/$defs/number' } } }
    const schema = { items: { $ref: '#/$defs/element' }, $defs: { element, number: { type: 'number' } } }
    const validate = createSchemaCompiler()(schema)
    const payload = Array.from({ length: 80_000 }, () => ({}))
    validate([{}])
    const startedAt = performance.now()
    assert.deepEqual(
      validate(payload).map(({ pointer }) => pointer),
      ['/0/a'],
    )
    assert.ok(performance.now() - startedAt < 1_000)
  })

  test('that a prototype would hide are found', () => {
    assert.deepEqual(find({ required: ['toString', '__proto__'] }, {}), ['required /toString', 'required /__proto__'])
    assert.deepEqual(find({ properties: { constructor: { type: 'string' } } }, {}), [])
  })
})

test('a payload that Ajv throws at is refused with a fault, not with an error', () => {
  const check = createSchemaCompiler()({ uniqueItems: true })
  assert.deepEqual(check([{ valueOf: 1 }, { valueOf: 1 }])[0]?.code, 'not_judged')
  assert.deepEqual(check([{ valueOf: 1 }]), [])
})

test('an empty list does not hold what contains asks for, whatever stands beside it', () => {
  const check = createSchemaCompiler()({ prefixItems: [{ type: 'string' }], contains: { type: 'integer' } })
  assert.deepEqual(check([])[0]?.code, 'contains')
  assert.match(check([])[0]?.message ?? '', /at least 1 item/)
  assert.deepEqual(check(['a', 1]), [])
})

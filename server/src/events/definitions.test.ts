import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { escapePointerToken, parseJsonPointer, valueAt } from '../lib/json-pointer.ts'
import { entitiesFromPayload, loadStandardDefinitions } from './definitions.ts'
import type { Definition } from './definitions.ts'

const definitions = await loadStandardDefinitions(join(import.meta.dirname, '../../definitions'))
const all = definitions.names().map(get)

function get(eventName: string): Definition {
  const definition = definitions.get(eventName)
  assert.ok(definition, eventName)
  return definition
}

type Json = Record<string, unknown>

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function exampleOf(eventName: string, index = 0): Json {
  const example = structuredClone(get(eventName).examples[index])
  assert.ok(isObject(example))
  return example
}

function faultsOf(eventName: string, payload: unknown): string[] {
  return get(eventName)
    .validate(payload)
    .map(({ code, pointer }) => `${code} ${pointer}`)
}

/** Every object of a value that JSON can write, with its pointer. */
function* objectsIn(value: unknown, pointer = ''): Generator<{ pointer: string; object: Json }> {
  if (isObject(value)) yield { pointer, object: value }
  if (typeof value !== 'object' || value === null) return
  for (const [key, member] of Object.entries(value)) yield* objectsIn(member, `${pointer}/${escapePointerToken(key)}`)
}

describe('the standard definitions', () => {
  test('are those of appointments, calls, customers, metrics and agents', () => {
    const families = {
      appointment: ['created', 'updated', 'cancelled', 'rescheduled'],
      call: ['created', 'updated', 'completed', 'failed'],
      customer: ['created', 'merged'],
      metrics: ['updated'],
      mcp: ['alert'],
    }
    for (const name of Object.entries(families).flatMap(([family, facts]) =>
      facts.map((fact) => `${family}.${fact}`),
    )) {
      assert.equal(get(name).eventName, name)
    }
    assert.equal(definitions.get('appointment.unheard_of'), undefined)
    assert.equal(definitions.get('constructor'), undefined)
  })

  for (const definition of all) {
    describe(definition.eventName, () => {
      test('takes each of its examples', () => {
        assert.ok(definition.examples.length >= 2)
        for (const example of definition.examples) assert.deepEqual(definition.validate(example), [])
      })

      test('refuses each of its examples without a required member, at any depth, and says which', () => {
        let removed = 0
        for (const example of definition.examples) {
          for (const { pointer, object } of objectsIn(example)) {
            for (const key of Object.keys(object)) {
              const payload = structuredClone(example)
              const parent = valueAt(payload, parseJsonPointer(pointer))
              assert.ok(isObject(parent))
              delete parent[key]
              const faults = definition.validate(payload)
              if (faults.length === 0) continue
              removed++
              const place = `${pointer}/${escapePointerToken(key)}`
              assert.ok(
                faults.some((fault) => fault.code === 'required' && fault.pointer === place),
                place,
              )
            }
          }
          const required = valueAt(definition.schema, ['required'])
          assert.ok(Array.isArray(required) && removed >= required.length)
        }
      })

      test('lets publishers add members', () => {
        for (const example of definition.examples) {
          assert.ok(isObject(example))
          assert.deepEqual(definition.validate({ ...example, 'x/anything': { of: ['their', 'own'] } }), [])
        }
      })

      test('has no misspelled keyword, unknown format or required member that it does not describe', () => {
        const ajv = new Ajv2020({ strict: true, strictRequired: true, allowUnionTypes: true })
        addFormats.default(ajv)
        ajv.addVocabulary(['x-personal'])
        assert.ok(isObject(definition.schema))
        assert.ok(ajv.compile(definition.schema))
      })

      test('describes every member', () => {
        for (const { pointer, object } of objectsIn(definition.schema)) {
          if (!isObject(object['properties']) || /\/(if|then)$/.test(pointer)) continue
          for (const [key, member] of Object.entries(object['properties'])) {
            const description = isObject(member) ? member['description'] : undefined
            assert.ok(typeof description === 'string' && description.endsWith('.'), `${pointer}/properties/${key}`)
          }
        }
      })

      test('names for each personal member its category and a member that tells whose it is', () => {
        for (const { pointer, object } of objectsIn(definition.schema)) {
          const personal = object['x-personal']
          if (personal === undefined) continue
          assert.ok(isObject(personal), pointer)
          assert.match(String(personal['category']), /^[a-z_]+$/, pointer)
          const subject = parseJsonPointer(String(personal['subject']))
          const member = valueAt(
            definition.schema,
            subject.flatMap((key) => ['properties', key]),
          )
          assert.ok(isObject(member), `${pointer}: nothing at ${subject.join('/')}`)
        }
      })

      test('is validated in microseconds', () => {
        const [example] = definition.examples
        const rounds = 2_000
        for (let round = 0; round < rounds; round++) definition.validate(example)
        const startedAt = performance.now()
        for (let round = 0; round < rounds; round++) definition.validate(example)
        const microseconds = ((performance.now() - startedAt) * 1_000) / rounds
        assert.ok(microseconds < 200, `${microseconds} µs`) // about 5 on an idle machine
      })
    })
  }

  test('have examples whose times are in order', () => {
    for (const { eventName, examples } of all) {
      for (const { object } of examples.flatMap((example) => [...objectsIn(example)])) {
        const times = ['started_at', 'starts_at', 'answered_at', 'ends_at', 'ended_at', 'failed_at']
          .map((key) => object[key])
          .filter((time) => typeof time === 'string')
          .map((time) => Date.parse(time))
        assert.deepEqual(
          times,
          times.toSorted((a, b) => a - b),
          eventName,
        )
      }
    }
  })
})

describe('a payload', () => {
  test('is told where it is wrong, in nested members and in keys with slash and tilde', () => {
    const appointment = exampleOf('appointment.created')
    appointment['service'] = { name: '', duration_minutes: 120, price: { amount: 12.5, currency: 'eur' } }
    appointment['status'] = 'cancelled'
    assert.deepEqual(faultsOf('appointment.created', appointment).sort(), [
      'enum /status',
      'minLength /service/name',
      'pattern /service/price/currency',
      'type /service/price/amount',
    ])
    const metrics = exampleOf('metrics.updated')
    metrics['values'] = { 'no-show/~all': { value: 'many' }, revenue: { value: 1, unit: 'money' } }
    assert.deepEqual(faultsOf('metrics.updated', metrics).sort(), [
      'required /values/revenue/currency',
      'type /values/no-show~1~0all/value',
    ])
  })

  test('is never repeated in a message', () => {
    const payload = {
      ...exampleOf('customer.created'),
      email: 'secret at example',
      phone: 'secret',
      birth_date: 'secret',
    }
    const faults = get('customer.created').validate(payload)
    assert.equal(faults.length, 3)
    for (const { message } of faults) assert.doesNotMatch(message, /secret/)
  })

  test('that is no object is refused at its root', () => {
    for (const payload of [null, undefined, [], 'text', 1]) assert.deepEqual(faultsOf('mcp.alert', payload), ['type '])
  })

  test('may name its entity by a text or by a whole number that JSON readers do not round', () => {
    const withId = (id: unknown) =>
      faultsOf('appointment.created', { ...exampleOf('appointment.created'), appointment_id: id })
    for (const id of ['123', 123, 0, Number.MAX_SAFE_INTEGER]) assert.deepEqual(withId(id), [], String(id))
    for (const id of ['', 'x'.repeat(129), 1.5, 2 ** 53, -1, null, true, {}]) {
      assert.equal(withId(id).length, 1, JSON.stringify(id))
    }
  })
})

describe('entities', () => {
  test('are found where the definition points', () => {
    assert.deepEqual(entitiesFromPayload(get('appointment.rescheduled'), exampleOf('appointment.rescheduled')), {
      entity: { type: 'appointment', id: 'apt_7Q2M4' },
      related: [
        { type: 'customer', id: 'cus_19ZK' },
        { type: 'branch', id: 'berlin-mitte' },
        { type: 'staff', id: 'stf_lena' },
        { type: 'staff', id: 'stf_jonas' },
      ],
    })
    assert.deepEqual(entitiesFromPayload(get('customer.merged'), exampleOf('customer.merged')), {
      entity: { type: 'customer', id: 'cus_19ZK' },
      related: [{ type: 'customer', id: 'cus_2B40' }],
    })
  })

  test('named by a number are the same as named by its decimal text', () => {
    const of = (id: unknown) => entitiesFromPayload({ entity: { type: 'thing', id: '/id' }, related: [] }, { id })
    assert.deepEqual(of(123), of('123'))
    assert.deepEqual(of(123).entity, { type: 'thing', id: '123' })
    assert.deepEqual(of(1e15).entity, { type: 'thing', id: '1000000000000000' })
  })

  test('that are absent, null or cannot be an id are left out', () => {
    const pointers = { entity: { type: 'a', id: '/id' }, related: [{ type: 'b', id: '/deep/er' }] }
    for (const payload of [
      null,
      'text',
      [],
      {},
      { id: null, deep: null },
      { id: '', deep: { er: {} } },
      { id: 2 ** 53 },
    ]) {
      assert.deepEqual(entitiesFromPayload(pointers, payload), { related: [] }, JSON.stringify(payload))
    }
  })
})

describe('a folder of definitions', () => {
  const content = {
    event_name: 'order.paid',
    version: 3,
    title: 'Order paid',
    description: 'An order has been paid.',
    entity: { type: 'order', id: '/order' },
    related: [{ type: 'customer', id: '/customer/id' }],
    tags: ['shop'],
    schema: { type: 'object', required: ['order'] } as unknown,
    examples: [{ order: 1, customer: { id: 'c' } }, { order: 'o-2' }] as unknown[],
  }

  async function folder(t: TestContext, files: Record<string, unknown>): Promise<string> {
    const directory = await mkdtemp(join(tmpdir(), 'definitions-'))
    t.after(() => rm(directory, { recursive: true }))
    for (const [name, file] of Object.entries(files)) {
      await writeFile(join(directory, name), typeof file === 'string' ? file : JSON.stringify(file))
    }
    return directory
  }

  test('takes what is put there, and ignores what is not JSON', async (t) => {
    const directory = await folder(t, { 'order.paid.json': content, 'README.md': '# Orders' })
    const loaded = await loadStandardDefinitions(directory)
    assert.deepEqual(loaded.names(), ['order.paid'])
    const definition = loaded.get('order.paid')
    assert.equal(definition?.version, 3)
    assert.equal(definition.owner, undefined)
    assert.deepEqual(definition.validate({ order: 1, anything: 'else' }), [])
    assert.equal(definition.validate({})[0]?.pointer, '/order')
  })

  test('finds what its schema lets pass but cannot be the id of an entity', async (t) => {
    const loaded = await loadStandardDefinitions(await folder(t, { 'order.paid.json': content }))
    const faults = loaded.get('order.paid')?.validate({ order: 'x'.repeat(257), customer: { id: 1.5 } })
    assert.deepEqual(
      faults?.map(({ code, pointer }) => `${code} ${pointer}`),
      ['entity_id /order', 'entity_id /customer/id'],
    )
    assert.deepEqual(loaded.get('order.paid')?.validate({ order: 'x', customer: { id: null } }), [])
  })

  const faulty: Record<string, [file: unknown, message: RegExp]> = {
    'is not JSON': ['{"event_name":', /order\.paid\.json: \(whole file\): .*not valid JSON/],
    'names a key twice': ['{"title":"a","title":"b"}', /order\.paid\.json: \/title: .*twice/],
    'lacks a member': [{ ...content, title: undefined }, /order\.paid\.json: \/title: Is missing/],
    'has a member that is not known': [{ ...content, entitty: {} }, /order\.paid\.json: \/entitty: /],
    'has another name than its event': [{ ...content, event_name: 'order.payed' }, /\/event_name: .*order\.paid/],
    'has no valid event name': [{ ...content, event_name: 'Order' }, /\/event_name: Is no event name/],
    'has a reserved event name': [{ ...content, event_name: 'daybook.x' }, /\/event_name: Is reserved/],
    'has a schema that does not compile': [{ ...content, schema: { type: 'text' } }, /order\.paid\.json: \/schema: /],
    'has a pattern that needs backtracking': [{ ...content, schema: { pattern: '(a)\\1' } }, /\/schema: .*escape/],
    'has an example that does not fit': [
      { ...content, examples: [...content.examples, {}] },
      /order\.paid\.json: \/examples\/2\/order: Is missing/,
    ],
    'has one example only': [{ ...content, examples: content.examples.slice(1) }, /\/examples: .*at least 2/],
    'has the same example twice': [{ ...content, examples: [{ order: 1 }, { order: 1 }] }, /\/examples: .*twice/],
    'has an example without the entity': [
      { ...content, schema: { type: 'object' }, examples: [...content.examples, {}] },
      /order\.paid\.json: \/examples\/2: Has no order at \/order/,
    ],
    'points to a related entity that no example has': [
      { ...content, related: [{ type: 'customer', id: '/custmer' }] },
      /order\.paid\.json: \/related\/0\/id: /,
    ],
    'has a pointer that is none': [
      { ...content, entity: { type: 'order', id: 'order' } },
      /\/entity\/id: .*json-pointer/,
    ],
  }
  for (const [fault, [file, message]] of Object.entries(faulty)) {
    test(`is refused with the name of the file that ${fault}`, async (t) => {
      await assert.rejects(loadStandardDefinitions(await folder(t, { 'order.paid.json': file })), message)
    })
  }

  test('is refused with all faulty files named', async (t) => {
    const directory = await folder(t, { 'a.json': '[', 'b.json': {}, 'order.paid.json': content })
    await assert.rejects(loadStandardDefinitions(directory), /a\.json: .*\nb\.json: /s)
  })
})

/** Payloads made from a schema, for test calls and documentation. */
import { createSchemaCompiler } from './compile-schema.ts'
import type { CompileSchema } from './compile-schema.ts'
import { createPlainFits } from './plain-fits.ts'
import { familiarText, sampleText } from './sample-text.ts'
import { below, keysBelow, listBelow, member, rootNode, textsOf, unfold } from './schema-node.ts'
import type { SchemaNode } from './schema-node.ts'
import { allowedTypes, listedValues } from './schema-types.ts'
import type { ValueType } from './schema-types.ts'

const ATTEMPTS_MAX = 48
const DEPTH_MAX = 12
/** Deeper optional members are left out. */
const OPTIONAL_DEPTH_MAX = 4
const ITEMS_MAX = 100
const VALUES_MAX = 2_000

/**
 * A payload that fits the schema; undefined if none was found, which does not mean that there is none. The same schema and
 * seed give the same payload. Examples and defaults come before what is made up. The schema must be one that compiles; what
 * fits is for the compiler to say.
 */
export function samplePayload(schema: unknown, seed = 1, compile: CompileSchema = createSchemaCompiler()): unknown {
  const validate = compile(schema)
  const fits = createPlainFits()
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const random = seededRandom(seed * ATTEMPTS_MAX + attempt)
    const taste: Taste = {
      random,
      fits,
      takesExamples: attempt % 4 < 2,
      takesOptional: attempt % 8 < 4,
      takesThen: attempt % 2 === 0,
      values: { left: VALUES_MAX },
    }
    const made = sample([rootNode(schema)], 'payload', taste, 0)
    if (made !== undefined && validate(made).length === 0) return structuredClone(made)
  }
  return undefined
}

interface Taste {
  readonly random: () => number
  readonly fits: (schema: unknown, value: unknown) => string | undefined
  readonly takesExamples: boolean
  readonly takesOptional: boolean
  readonly takesThen: boolean
  readonly values: { left: number }
}

/** One value that tries to fit all nodes; undefined if it sees none. */
function sample(given: readonly SchemaNode[], name: string, taste: Taste, depth: number): unknown {
  if (depth > DEPTH_MAX || taste.values.left-- <= 0) return undefined
  const nodes = choose(unfold(given), taste)
  const fits = (value: unknown) => nodes.every(({ schema }) => taste.fits(schema, value) === undefined)
  const listed = listedValues(nodes)?.filter(fits)
  if (taste.takesExamples) {
    const examples = nodes.flatMap(({ schema }) => {
      const [list, preset] = [member(schema, 'examples'), member(schema, 'default')]
      return [...(Array.isArray(list) ? list : []), ...(preset === undefined ? [] : [preset])]
    })
    const usable = examples.filter(fits)
    if (usable.length > 0) return pick(usable, taste)
  }
  if (listed) return pick(listed, taste)
  const types = [...allowedTypes(nodes)]
  // Null says little: only where nothing else may stand.
  const telling = types.filter((type) => type !== 'null')
  const preferred: readonly ValueType[] = telling.length === 6 ? ['object'] : telling
  if (preferred.includes('string')) {
    const familiar = familiarText(name)
    if (taste.takesExamples && familiar !== undefined && fits(familiar)) return familiar
  }
  const type = pick<ValueType>(preferred.length > 0 ? preferred : types, taste)
  return type && makers[type](nodes, name, taste, depth)
}

function pick<Item>(items: readonly Item[], { random }: Taste): Item | undefined {
  return items[Math.floor(random() * items.length)]
}

/** The nodes with one case of each choice taken, also of choices within it. */
function choose(nodes: readonly SchemaNode[], taste: Taste): readonly SchemaNode[] {
  let chosen = nodes
  const done = new Set<unknown>()
  for (let open = [...nodes]; open.length > 0;) {
    const added = open.flatMap((node) => {
      done.add(node.schema)
      const branches = [pick(listBelow(node, 'anyOf'), taste), pick(listBelow(node, 'oneOf'), taste)]
      const condition = taste.takesThen
        ? [below(node, 'if'), below(node, 'then')].filter(() => below(node, 'then') !== undefined)
        : [below(node, 'else')].filter(() => below(node, 'if') !== undefined)
      return [...branches, ...condition].filter((one) => one !== undefined)
    })
    chosen = unfold([...chosen, ...added])
    open = chosen.filter(({ schema }) => !done.has(schema))
  }
  return chosen
}

type Maker = (nodes: readonly SchemaNode[], name: string, taste: Taste, depth: number) => unknown

const makers: Readonly<Record<ValueType, Maker>> = {
  null: () => null,
  boolean: (_nodes, _name, { random }) => random() < 0.5,
  integer: (nodes, _name, taste) => sampleNumber(nodes, taste, true),
  fraction: (nodes, _name, taste) => sampleNumber(nodes, taste, false),
  string: (nodes, name, { random }) => sampleText(nodes, name, random),
  array: sampleArray,
  object: sampleObject,
}

function numbers(nodes: readonly SchemaNode[], keyword: string): readonly number[] {
  return nodes.map(({ schema }) => member(schema, keyword)).filter((value) => typeof value === 'number')
}

function sampleNumber(nodes: readonly SchemaNode[], { random }: Taste, isWhole: boolean): number | undefined {
  const steps = numbers(nodes, 'multipleOf').map((step) => (isWhole && !Number.isInteger(step) ? 1 : step))
  const step = steps.length > 0 ? Math.max(...steps) : isWhole ? 1 : 0.25
  const least = Math.max(...numbers(nodes, 'minimum').map((bound) => Math.ceil(bound / step)))
  const above = Math.max(...numbers(nodes, 'exclusiveMinimum').map((bound) => Math.floor(bound / step) + 1))
  const most = Math.min(...numbers(nodes, 'maximum').map((bound) => Math.floor(bound / step)))
  const under = Math.min(...numbers(nodes, 'exclusiveMaximum').map((bound) => Math.ceil(bound / step) - 1))
  const last = Math.min(most, under)
  const first = Math.max(least, above)
  const from = first < 0 ? Math.max(first, Math.min(1, last)) : first
  const to = Math.min(last, from + 100)
  if (from <= to) return (from + Math.floor(random() * (to - from + 1))) * step
  if (isWhole || steps.length > 0) return undefined
  const low = Math.max(...numbers(nodes, 'minimum'), ...numbers(nodes, 'exclusiveMinimum'))
  const high = Math.min(...numbers(nodes, 'maximum'), ...numbers(nodes, 'exclusiveMaximum'))
  return low <= high ? (low + high) / 2 : undefined
}

function sampleArray(nodes: readonly SchemaNode[], name: string, taste: Taste, depth: number): unknown {
  const least = Math.max(0, ...numbers(nodes, 'minItems'))
  const most = Math.min(ITEMS_MAX, ...numbers(nodes, 'maxItems'))
  const contains = nodes.flatMap((node) => below(node, 'contains') ?? [])
  const wanted = taste.takesOptional ? 1 + Math.floor(taste.random() * 2) : contains.length
  const length = Math.min(most, Math.max(least, wanted))
  if (least > most) return undefined
  const items: unknown[] = []
  const singular = name.replace(/s$/, '')
  for (let index = 0; index < length; index++) {
    const stands = nodes.flatMap((node) => below(node, 'prefixItems', index) ?? below(node, 'items') ?? [])
    const held = index >= length - contains.length ? [contains[length - 1 - index] ?? []].flat() : []
    const item = sample([...stands, ...held], singular, taste, depth + 1)
    if (item !== undefined) items.push(item)
    else if (items.length >= least) return items
    else return undefined
  }
  return items
}

function sampleObject(nodes: readonly SchemaNode[], _name: string, taste: Taste, depth: number): unknown {
  const required = new Set(nodes.flatMap(({ schema }) => textsOf(member(schema, 'required'))))
  const known = new Set(nodes.flatMap((node) => keysBelow(node, 'properties')))
  const takesOptional = taste.takesOptional && depth < OPTIONAL_DEPTH_MAX
  const least = Math.max(0, ...numbers(nodes, 'minProperties'))
  const most = Math.min(VALUES_MAX, ...numbers(nodes, 'maxProperties'))
  const members = new Map<string, unknown>()
  const order = [...known, ...required].toSorted((a, b) => Number(required.has(b)) - Number(required.has(a)))
  for (const name of new Set(order)) {
    if (!required.has(name) && (members.size >= most || !(takesOptional || members.size < least))) continue
    const value = sample(membersAt(nodes, name, taste), name, taste, depth + 1)
    if (value !== undefined) members.set(name, value)
    else if (required.has(name)) return undefined
  }
  const present = nodes.flatMap((node) =>
    keysBelow(node, 'dependentRequired')
      .filter((name) => members.has(name))
      .flatMap((name) => textsOf(member(member(node.schema, 'dependentRequired'), name))),
  )
  const names = nodes.flatMap((node) => below(node, 'propertyNames') ?? [])
  const patterns = nodes.flatMap((node) => keysBelow(node, 'patternProperties'))
  for (let tries = 0; tries < least + present.length + 4; tries++) {
    const missing = present.find((name) => !members.has(name))
    if (missing === undefined && members.size >= least) break
    const pattern = patterns[tries % (patterns.length || 1)]
    const hint =
      pattern === undefined
        ? `member_${tries + 1}`
        : (sampleText([rootNode({ pattern })], '', taste.random) ?? 'member')
    const name =
      missing ?? (names.length > 0 ? sample([rootNode({ type: 'string' }), ...names], hint, taste, depth + 1) : hint)
    if (typeof name !== 'string') return undefined
    const value = sample(membersAt(nodes, name, taste), name, taste, depth + 1)
    if (value !== undefined) members.set(name, value)
  }
  return Object.fromEntries(members)
}

function membersAt(nodes: readonly SchemaNode[], name: string, taste: Taste): readonly SchemaNode[] {
  return nodes.flatMap((node) => {
    const own = [below(node, 'properties', name) ?? []].flat()
    const matching = keysBelow(node, 'patternProperties')
      .filter((pattern) => taste.fits({ pattern }, name) === undefined)
      .flatMap((pattern) => below(node, 'patternProperties', pattern) ?? [])
    const found = [...own, ...matching]
    return found.length > 0 ? found : [below(node, 'additionalProperties') ?? []].flat()
  })
}

/** Numbers in [0, 1), the same on every machine: a counter, mixed (the finaliser of MurmurHash3). */
function seededRandom(seed: number): () => number {
  let counter = Math.imul(seed | 0, 0x9e3779b1)
  return () => {
    counter = (counter + 0x6d2b79f5) | 0
    let mixed = counter
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32
  }
}

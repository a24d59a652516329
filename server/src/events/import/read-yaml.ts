import { isAlias, isMap, isScalar, isSeq, LineCounter, parseAllDocuments } from 'yaml'
import type { Node, ParsedNode } from 'yaml'
import { escapePointerToken } from '../../lib/json-pointer.ts'
import { defaultMaxDepth } from '../../lib/json-text.ts'
import type { Fault } from '../../lib/problems.ts'

/** Values that a document may have, each counted as often as aliases repeat it. */
const VALUES_MAX = 500_000

const listedMax = 20

/**
 * YAML 1.2 in the core schema, as far as it says what JSON can say too: one document, keys that are texts or plain scalars,
 * no key twice, finite numbers, aliases that do not contain themselves. `<<` merges nothing in YAML 1.2 and is refused.
 */
export function readYaml(text: string): { readonly value: unknown } | { readonly faults: readonly Fault[] } {
  const lines = new LineCounter()
  try {
    if (hasManyOpenBrackets(text)) throw tooDeep('')
    // Keys that stand twice are found below: here each would be compared with all before it.
    const documents = parseAllDocuments(text, {
      version: '1.2',
      schema: 'core',
      uniqueKeys: false,
      logLevel: 'silent',
      prettyErrors: false,
      lineCounter: lines,
    })
    if (!Array.isArray(documents)) throw new YamlFault('', 'malformed_yaml', 'The document is empty')
    const problems = documents.flatMap(({ errors, warnings }) => [...errors, ...warnings])
    if (problems.length > 0) return { faults: problems.slice(0, listedMax).map((one) => malformed(one, lines)) }
    const [document] = documents
    if (documents.length > 1 || !document) throw new YamlFault('', 'malformed_yaml', 'It holds several documents')
    return { value: toJson({ anchors: new Map(), open: new Set(), values: 0 }, document.contents, '', 0) }
  } catch (error) {
    if (error instanceof YamlFault) return { faults: [error.fault] }
    // The parser of flow collections calls itself.
    if (error instanceof RangeError) return { faults: [tooDeep('').fault] }
    throw error
  }
}

/** In prose brackets need not be closed; but so many are no prose, and cost the parser seconds. */
const OPEN_BRACKETS_MAX = 5_000

function hasManyOpenBrackets(text: string): boolean {
  let open = 0
  for (const [bracket] of text.matchAll(/[[\]{}]/g)) {
    open += bracket === '[' || bracket === '{' ? 1 : -1
    if (open > OPEN_BRACKETS_MAX) return true
  }
  return false
}

function malformed(
  error: { readonly pos: readonly [number, number]; readonly code: string },
  lines: LineCounter,
): Fault {
  const { line, col } = lines.linePos(error.pos[0])
  const words = error.code.toLowerCase().replaceAll('_', ' ')
  return { pointer: '', code: 'malformed_yaml', message: `The text is not YAML: line ${line}, column ${col}: ${words}` }
}

class YamlFault extends Error {
  readonly fault: Fault

  constructor(pointer: string, code: string, message: string) {
    super(message)
    this.fault = { pointer, code, message }
  }
}

interface Conversion {
  readonly anchors: Map<string, Node>
  /** The nodes that are being converted, from the outermost inwards. */
  readonly open: Set<Node>
  values: number
}

function toJson(conversion: Conversion, node: Node | ParsedNode | null, pointer: string, depth: number): unknown {
  if (++conversion.values > VALUES_MAX) {
    throw new YamlFault(
      '',
      'document_too_large',
      `Has more than ${VALUES_MAX} values, those of aliases counted each time`,
    )
  }
  if (node === null) return null
  if (isAlias(node)) return toJson(conversion, targetOf(conversion, node.source, pointer), pointer, depth)
  if (node.anchor !== undefined) conversion.anchors.set(node.anchor, node)
  if (isScalar(node)) return scalarOf(node.value, pointer)
  if (depth >= defaultMaxDepth) throw tooDeep(pointer)
  conversion.open.add(node)
  let value: unknown
  if (isSeq<Node>(node)) {
    value = node.items.map((item, index) => toJson(conversion, item, `${pointer}/${index}`, depth + 1))
  } else if (isMap<Node, Node | null>(node)) {
    const members = new Map<string, unknown>()
    for (const pair of node.items) {
      const key = keyOf(pair.key, pointer)
      const at = `${pointer}/${escapePointerToken(key)}`
      if (members.has(key)) throw new YamlFault(at, 'duplicate_key', 'Its object names this key twice')
      if (key === '<<') throw new YamlFault(at, 'yaml_merge_key', 'Merge keys are not part of YAML 1.2')
      members.set(key, toJson(conversion, pair.value, at, depth + 1))
    }
    value = Object.fromEntries(members)
  }
  conversion.open.delete(node)
  return value
}

function targetOf({ anchors, open }: Conversion, name: string, pointer: string): Node {
  const target = anchors.get(name)
  if (!target) throw new YamlFault(pointer, 'malformed_yaml', 'Is an alias of nothing that stands before it')
  if (open.has(target)) throw new YamlFault(pointer, 'circular_reference', 'Is an alias of something that contains it')
  return target
}

function keyOf(key: Node, pointer: string): string {
  if (!isScalar(key)) throw new YamlFault(pointer, 'malformed_yaml', 'Has a key that is no text')
  // `200:` in a list of responses is a number to YAML, and stands for its text.
  return typeof key.value === 'string' ? key.value : (key.source ?? '')
}

function scalarOf(value: unknown, pointer: string): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new YamlFault(pointer, 'malformed_yaml', 'Is a number that JSON does not have')
  }
  if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) return value
  throw new YamlFault(pointer, 'malformed_yaml', 'Is nothing that JSON can hold')
}

function tooDeep(pointer: string): YamlFault {
  return new YamlFault(pointer, 'nesting_too_deep', `Lies more than ${defaultMaxDepth} deep`)
}

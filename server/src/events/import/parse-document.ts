/**
 * The text of a document to its value: JSON or YAML 1.2. Never throws; what is wrong is a fault. The size is looked at first
 * and the value last, so that whatever reads it further meets only what JSON can hold, in bounded depth.
 */
import { defaultMaxDepth, parseJsonBody } from '../../lib/json-text.ts'
import { escapePointerToken } from '../../lib/json-pointer.ts'
import { ProblemError } from '../../lib/problems.ts'
import type { Fault } from '../../lib/problems.ts'
import { readYaml } from './read-yaml.ts'

const MEBIBYTE = 1_048_576

/** YAML takes its reader a second and a few hundred megabytes of memory per megabyte of text or two. */
const bytesMax = { json: 5 * MEBIBYTE, yaml: 2 * MEBIBYTE } as const

export type Parsed = { readonly value: unknown } | { readonly faults: readonly Fault[] }

/** Without a file name, a text that begins with `{` or `[` is JSON. */
export function parseDocument(text: string, fileName?: string): Parsed {
  const language = isYaml(text, fileName) ? 'yaml' : 'json'
  const bytes = Buffer.byteLength(text)
  if (bytes > bytesMax[language]) {
    const most = `${bytesMax[language] / MEBIBYTE} MB of ${language.toUpperCase()}`
    return refused('', 'document_too_large', `Has ${bytes} bytes; ${most} are the most`)
  }
  const parsed = language === 'yaml' ? readYaml(text) : readJson(text)
  return 'faults' in parsed ? parsed : checkValue(parsed.value)
}

function isYaml(text: string, fileName: string | undefined): boolean {
  if (fileName !== undefined && /\.json$/i.test(fileName)) return false
  if (fileName !== undefined && /\.ya?ml$/i.test(fileName)) return true
  return !/^\s*[[{]/.test(text)
}

function readJson(text: string): Parsed {
  try {
    const withoutMark = text.startsWith('\uFEFF') ? text.slice(1) : text
    return { value: parseJsonBody(Buffer.from(withoutMark)).value }
  } catch (error) {
    if (error instanceof ProblemError) return { faults: error.faults }
    throw error
  }
}

/** What every document has to keep to, also one that was parsed elsewhere. */
export function checkValue(value: unknown): Parsed {
  const open: { value: unknown; path: readonly string[] }[] = [{ value, path: [] }]
  for (let next = open.pop(); next; next = open.pop()) {
    const { value: at, path } = next
    if (typeof at === 'string' && !isStorable(at)) return unstorable(path)
    if (typeof at !== 'object' || at === null) continue
    if (path.length >= defaultMaxDepth) {
      return refused(pointerOf(path), 'nesting_too_deep', `Lies more than ${defaultMaxDepth} deep`)
    }
    for (const [key, member] of Object.entries(at)) {
      if (key === '__proto__') return refused(pointerOf([...path, key]), 'reserved_key', 'No member may have this name')
      if (!isStorable(key)) return unstorable(path)
      if (typeof member === 'string' && !isStorable(member)) return unstorable([...path, key])
      if (typeof member === 'object') open.push({ value: member, path: [...path, key] })
    }
  }
  return { value }
}

function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed()
}

function unstorable(path: readonly string[]): Parsed {
  return refused(pointerOf(path), 'unstorable_text', 'A text holds a character that cannot be stored')
}

function pointerOf(path: readonly string[]): string {
  return path.map((key) => `/${escapePointerToken(key)}`).join('')
}

function refused(pointer: string, code: string, message: string): Parsed {
  return { faults: [{ pointer, code, message }] }
}

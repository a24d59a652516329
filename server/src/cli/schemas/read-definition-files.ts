import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { ImportedDefinition, ReadOptions } from '../../events/import/imported-definition.ts'
import { readDefinitionDocument } from '../../events/import/read-definition-document.ts'
import type { Fault } from '../../lib/problems.ts'
import { UsageError } from '../exit-codes.ts'

/** A fault or a warning, and the file it is about. */
export interface FileFinding extends Fault {
  readonly file: string
}

export interface DefinitionFiles {
  readonly definitions: readonly { readonly file: string; readonly definition: ImportedDefinition }[]
  readonly errors: readonly FileFinding[]
  readonly warnings: readonly FileFinding[]
}

/**
 * The definitions of a file, or of every `.json`, `.yaml` and `.yml` file of a folder; not of the folders below it. All files
 * are read, also after one that is faulty. An event name that two files have is a fault.
 */
export async function readDefinitionFiles(
  path: string,
  options: Omit<ReadOptions, 'fileName'>,
): Promise<DefinitionFiles> {
  const definitions: { file: string; definition: ImportedDefinition }[] = []
  const errors: FileFinding[] = []
  const warnings: FileFinding[] = []
  const fileOf = new Map<string, string>()
  for (const { file, text } of await readTexts(path)) {
    const read = readDefinitionDocument(text, { ...options, fileName: file })
    errors.push(...read.faults.map((fault) => ({ file, ...fault })))
    warnings.push(...read.warnings.map((warning) => ({ file, ...warning })))
    for (const definition of read.definitions) {
      const other = fileOf.get(definition.eventName)
      if (other === undefined) definitions.push({ file, definition })
      else {
        const message = `Has the event name ${definition.eventName}, which ${other} has too`
        errors.push({ file, pointer: definition.pointer, code: 'name_collision', message })
      }
      fileOf.set(definition.eventName, other ?? file)
    }
  }
  return { definitions, errors, warnings }
}

async function readTexts(path: string): Promise<readonly { readonly file: string; readonly text: string }[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [{ file: basename(path), text: await readFile(path, 'utf8') }]
    const files = (await readdir(path)).filter((name) => /\.(?:json|ya?ml)$/i.test(name)).toSorted()
    if (files.length === 0) throw new UsageError(`No .json, .yaml or .yml file in ${path}`)
    return await Promise.all(files.map(async (file) => ({ file, text: await readFile(join(path, file), 'utf8') })))
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(`Cannot be read: ${error instanceof Error ? error.message : path}`)
  }
}

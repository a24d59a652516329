import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { ServerUser } from './server-user.ts'
import type { EmbeddedPostgres } from './start-embedded-postgres.ts'
import { findReadablePackage, makeTestDataDir } from './test-directory.ts'
import type { Scope } from './test-directory.ts'

/** For tests: a process of its own that calls `startEmbeddedPostgres`. */
export interface TestDaybook {
  readonly pid: number
  readonly dataDir: string
  /** Resolves once its server is up, rejects with its reason. */
  started(): Promise<Pick<EmbeddedPostgres, 'url' | 'pid' | 'reused'>>
  /** Sends a signal to it and to its process group, as a terminal does, and waits for its end. */
  end(signal: 'SIGINT' | 'SIGKILL'): Promise<void>
  /** Has it stop its server and leave. */
  leave(): Promise<void>
}

type Started = Pick<EmbeddedPostgres, 'url' | 'pid' | 'reused'> | { readonly error: string }

/** It loads everything as the present user and only then becomes `user`, who may be unable to read the sources. */
const program = `
  const { startEmbeddedPostgres } = await import(process.argv[1])
  const { user, ...options } = JSON.parse(process.argv[2])
  if (user) {
    process.setgroups([])
    process.setgid(user.gid)
    process.setuid(user.uid)
  }
  try {
    const server = await startEmbeddedPostgres({ ...options, log: () => undefined })
    console.log(JSON.stringify({ url: server.url, pid: server.pid, reused: server.reused }))
    process.stdin.on('end', () => server.stop()).resume()
  } catch (error) {
    console.log(JSON.stringify({ error: error.message }))
  }
`

export async function startTestDaybook(
  t: Scope,
  options: {
    readonly settings?: Readonly<Record<string, string>>
    /** Given, it runs as this user below a directory that nobody else can enter. */
    readonly user?: ServerUser | undefined
  },
): Promise<TestDaybook> {
  const packageDirectory = options.user && (await findReadablePackage(t, options.user))
  let child: ChildProcess | undefined
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    process.kill(-child.pid, signal)
    await ended
  }
  // Before the directory's own clean-up, which ends the server: a Daybook that is alive could start another.
  t.after(() => end('SIGKILL'))
  const dataDir = await makeTestDataDir(t, options.user ? 0o700 : 0o755, options.user)

  const module = new URL('start-embedded-postgres.ts', import.meta.url).href
  const json = JSON.stringify({ ...options, dataDir, packageDirectory })
  const args = ['--conditions=source', '--input-type=module', '--eval', program, module, json]
  const { stdin, stdout, pid } = (child = spawn(process.execPath, args, {
    detached: true,
    stdio: ['pipe', 'pipe', 'inherit'],
  }))
  const started = once(createInterface({ input: stdout }), 'line').then(([text]): Started => JSON.parse(String(text)))
  return {
    dataDir,
    pid: pid ?? 0,
    started: async () => {
      const answer = await started
      if ('error' in answer) throw new Error(answer.error)
      return answer
    },
    end,
    leave: async () => {
      const ended = child && once(child, 'exit')
      stdin.end()
      await ended
    },
  }
}

import { once } from 'node:events'
import { createServer } from 'node:http'
import { PassThrough, Readable } from 'node:stream'
import type { TestContext } from 'node:test'
import type { Environment } from './config.ts'
import { run } from './run.ts'

export interface Outcome {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** For tests: runs a command line as a shell would, but in this process. */
export async function runCommandLine(args: readonly string[], env: Environment = {}, stdin = ''): Promise<Outcome> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const exitCode = await run(args, { env, stdin: Readable.from([Buffer.from(stdin)]), stdout, stderr })
  return { exitCode, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? '') }
}

interface StubRequest {
  readonly line: string
  readonly key: string | undefined
  readonly body: unknown
}

export interface StubServer {
  /** What a command needs to talk to it. */
  readonly env: Environment
  readonly requests: readonly StubRequest[]
}

/** For tests: a server that gives these answers in turn. */
export async function startStubServer(
  t: TestContext,
  answers: readonly { readonly status: number; readonly body?: unknown; readonly text?: string }[],
): Promise<StubServer> {
  const requests: StubRequest[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const sent = Buffer.concat(chunks).toString()
      requests.push({
        line: `${request.method} ${request.url}`,
        key: request.headers.authorization,
        body: sent === '' ? undefined : JSON.parse(sent),
      })
      const { status, body, text = JSON.stringify(body) } = answers[requests.length - 1] ?? { status: 500 }
      response.writeHead(status, { 'content-type': 'application/json', 'request-id': 'req-1' })
      response.end(text)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('No port')
  return { env: { DAYBOOK_URL: `http://127.0.0.1:${address.port}`, DAYBOOK_API_KEY: 'key' }, requests }
}

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

export interface ReceivedSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string
  readonly name: string
  /** Keys and texts of its attributes. Numbers are left out. */
  readonly facts: Readonly<Record<string, string>>
}

export interface OtlpReceiver {
  readonly url: string
  readonly spans: readonly ReceivedSpan[]
}

/** Takes traces as OTLP over HTTP sends them, in protocol buffers. */
export async function otlpReceiver(t: TestContext): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      if (request.url === '/v1/traces') spans.push(...spansOf(Buffer.concat(chunks)))
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end()
    })
  })
  t.after(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, spans }
}

/** ExportTraceServiceRequest.resource_spans[1].scope_spans[2].spans[2] (opentelemetry/proto/trace/v1/trace.proto). */
function spansOf(request: Buffer): ReceivedSpan[] {
  const spans = [1, 2, 2].reduce((messages, field) => messages.flatMap((one) => membersOf(one, field)), [request])
  return spans.map((span) => ({
    traceId: hexOf(span, 1),
    spanId: hexOf(span, 2),
    parentSpanId: hexOf(span, 4),
    name: textOf(span, 5),
    facts: Object.fromEntries(
      membersOf(span, 9).map((pair) => [
        textOf(pair, 1),
        membersOf(pair, 2)
          .map((value) => textOf(value, 1))
          .join(''),
      ]),
    ),
  }))
}

function hexOf(message: Buffer, field: number): string {
  return membersOf(message, field)[0]?.toString('hex') ?? ''
}

function textOf(message: Buffer, field: number): string {
  return membersOf(message, field)[0]?.toString() ?? ''
}

/** The members of one field that have a length: texts, bytes, messages. */
function membersOf(message: Buffer, field: number): Buffer[] {
  const found: Buffer[] = []
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = message[at++] ?? 0
      value += (byte & 127) * factor
      if (byte < 128) return value
    }
  }
  const lengths: Readonly<Record<number, () => number>> = { 1: () => 8, 2: varint, 5: () => 4 }
  while (at < message.length) {
    const tag = varint()
    const wire = tag % 8
    if (wire === 0) varint()
    const length = lengths[wire]?.() ?? 0
    if (wire === 2 && Math.floor(tag / 8) === field) found.push(message.subarray(at, at + length))
    at += length
  }
  return found
}

/**
 * Receivers that misbehave, by name. Each is run against the code that calls webhooks, alone and by the hundred; what is
 * expected is the reason that the attempt gets in the ledger.
 */
import type { Socket } from 'node:net'
import { brotliCompressSync, gzipSync } from 'node:zlib'

export interface HostileAnswer {
  readonly name: string
  /** The reasons that are right; more than one where it depends on how the network cuts. */
  readonly expected: readonly string[]
  /** As soon as the connection is there. */
  readonly onSocket?: (socket: Socket) => void
  /** When the request was read. Without it nothing is read. */
  readonly onRequest?: (socket: Socket) => void
}

const ok = 'HTTP/1.1 200 OK\r\n'
const chunked = `${ok}transfer-encoding: chunked\r\n\r\n`
const pieceBytes = 65_536

/** Writes the beginning, and then the piece for ever, as fast as it is read. */
function flood(beginning: string, text: string): (socket: Socket) => void {
  const piece = Buffer.from(text)
  return (socket) => {
    // A few pieces per turn: the kernel may take them as fast as they come, and others want their turn.
    const more = (): void => {
      let pieces = 4
      while (pieces > 0 && !socket.destroyed && socket.write(piece)) pieces--
      if (pieces === 0) setImmediate(more)
    }
    socket.on('drain', more)
    if (beginning === '' || socket.write(beginning)) more()
  }
}

/** Writes the beginning, and then the piece every few milliseconds for ever. */
function drip(beginning: string, piece: string): (socket: Socket) => void {
  return (socket) => {
    socket.write(beginning)
    const timer = setInterval(() => socket.write(piece), 10)
    socket.on('close', () => clearInterval(timer))
  }
}

function once(answer: string | Buffer, end: 'stays' | 'ends' | 'resets' = 'stays'): (socket: Socket) => void {
  const bytes = typeof answer === 'string' ? Buffer.from(answer) : answer
  return (socket) => {
    socket.write(bytes, () => {
      if (end === 'ends') socket.end()
      else if (end === 'resets') setTimeout(() => socket.resetAndDestroy(), 20)
    })
  }
}

function encoded(encoding: string, body: Buffer): Buffer {
  return Buffer.concat([
    Buffer.from(`${ok}content-encoding: ${encoding}\r\ncontent-length: ${body.length}\r\n\r\n`),
    body,
  ])
}

const zeros = Buffer.alloc(50_000_000)
const gzipBomb = gzipSync(zeros)
const headerLines = (count: number): string => Array.from({ length: count }, (_, n) => `x-${n}: ${n}\r\n`).join('')

const answered = ['http_200']
const invalid = ['invalid_response']
const tooLarge = ['response_headers_too_large']
const silent = ['timeout']
/** The connection ended; whether before or after the request was on its way is the network's doing. */
const broken = ['reset', 'connect_failed']

export const hostileAnswers: readonly HostileAnswer[] = [
  { name: 'endless body', expected: answered, onRequest: flood(`${ok}\r\n`, 'x'.repeat(pieceBytes)) },
  { name: 'endless chunks', expected: answered, onRequest: flood(chunked, `10000\r\n${'x'.repeat(pieceBytes)}\r\n`) },
  { name: 'endless chunks of one byte', expected: answered, onRequest: flood(chunked, '1\r\nx\r\n'.repeat(10_000)) },
  { name: 'endless chunk extension', expected: answered, onRequest: flood(`${chunked}1;`, 'x'.repeat(pieceBytes)) },
  { name: 'endless chunk size', expected: answered, onRequest: flood(chunked, '0'.repeat(pieceBytes)) },
  { name: 'endless trailers', expected: answered, onRequest: flood(`${chunked}0\r\n`, headerLines(5_000)) },
  { name: 'endless blank lines', expected: tooLarge, onRequest: flood('', '\r\n'.repeat(pieceBytes / 2)) },
  { name: 'endless reason', expected: tooLarge, onRequest: flood('HTTP/1.1 200 ', 'x'.repeat(pieceBytes)) },
  { name: 'endless blanks in a header', expected: tooLarge, onRequest: flood(`${ok}x:`, ' '.repeat(pieceBytes)) },
  { name: 'headers that drip', expected: silent, onRequest: drip(ok, 'x: y\r\n') },
  { name: 'a body that drips', expected: answered, onRequest: drip(`${ok}content-length: 100000\r\n\r\n`, 'x') },
  { name: 'gzip bomb', expected: answered, onRequest: once(encoded('gzip', gzipBomb)) },
  { name: 'brotli bomb', expected: answered, onRequest: once(encoded('br', brotliCompressSync(zeros))) },
  { name: 'nested bomb', expected: answered, onRequest: once(encoded('gzip, gzip', gzipSync(gzipBomb))) },
  { name: 'reset before the request', expected: broken, onSocket: (socket) => void socket.resetAndDestroy() },
  { name: 'end before the request', expected: broken, onSocket: (socket) => void socket.end() },
  { name: 'reset instead of an answer', expected: broken, onRequest: (socket) => void socket.resetAndDestroy() },
  { name: 'end instead of an answer', expected: broken, onRequest: (socket) => void socket.end() },
  { name: 'reset within the headers', expected: broken, onRequest: once(`${ok}x: `, 'resets') },
  { name: 'reset after the headers', expected: answered, onRequest: once(`${ok}content-length: 9\r\n\r\nx`, 'resets') },
  {
    name: 'half-close within the body',
    expected: answered,
    onRequest: once(`${ok}content-length: 9\r\n\r\nx`, 'ends'),
  },
  { name: 'another protocol', expected: invalid, onRequest: once('SSH-2.0-OpenSSH_9.6\r\n') },
  { name: 'no status', expected: invalid, onRequest: once('HTTP/1.1 abc\r\n\r\n') },
  { name: 'a header without a name', expected: invalid, onRequest: once(`${ok}: x\r\n\r\n`) },
  { name: 'NUL in a header', expected: invalid, onRequest: once(`${ok}x: a\0b\r\n\r\n`) },
  { name: 'five megabytes of header', expected: tooLarge, onRequest: once(`${ok}x: ${'y'.repeat(5_000_000)}\r\n\r\n`) },
  { name: 'a hundred thousand headers', expected: tooLarge, onRequest: once(`${ok}${headerLines(100_000)}\r\n`) },
  {
    name: 'a flood of interim answers',
    expected: [...invalid, ...tooLarge],
    onRequest: flood('', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(50)),
  },
  { name: '100 Continue for ever', expected: invalid, onRequest: drip('', 'HTTP/1.1 100 Continue\r\n\r\n') },
  { name: 'a chunk of 4 GiB', expected: answered, onRequest: flood(`${chunked}FFFFFFFF\r\n`, 'x'.repeat(pieceBytes)) },
  { name: 'a chunk of 4 GiB that does not come', expected: answered, onRequest: once(`${chunked}FFFFFFFF\r\nx`) },
  { name: 'an invalid chunk', expected: answered, onRequest: once(`${chunked}3\r\nabc\r\nnonsense\r\n`) },
  { name: 'two lengths', expected: invalid, onRequest: once(`${ok}content-length: 1\r\ncontent-length: 2\r\n\r\nab`) },
  {
    name: 'length and chunks',
    expected: invalid,
    onRequest: once(`${ok}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n`),
  },
  {
    name: 'NUL and no UTF-8',
    expected: answered,
    onRequest: once(Buffer.from(`${ok}x: \xff\r\ncontent-length: 5\r\n\r\n\x00\xff\xfe\xed\xa0`, 'latin1')),
  },
  { name: 'silence', expected: silent, onRequest: () => {} },
  { name: 'nothing is read', expected: silent, onSocket: (socket) => void socket.pause() },
]

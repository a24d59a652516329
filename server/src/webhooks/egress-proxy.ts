import type { Socket } from 'node:net'
import { PostFailure } from './post-result.ts'

/** The operator's forward proxy: plain data, so that it can be given to a thread. */
export interface EgressProxy {
  /** Without brackets. Not judged by the egress policy: the operator chose it. */
  readonly host: string
  readonly port: number
  /** The value of `proxy-authorization`. A secret. */
  readonly authorization?: string
}

const answerBytesMax = 16_384

/** Reads `DAYBOOK_EGRESS_PROXY`: `http://[user:password@]host[:port]`. Throws an `Error` that does not repeat the text. */
export function parseEgressProxy(text: string): EgressProxy {
  const url = URL.parse(text)
  const isBare = url?.pathname === '/' && url.search === '' && url.hash === ''
  if (!url || url.protocol !== 'http:' || !isBare) throw new Error('http://host:port, with user:password@ if need be')
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const port = Number(url.port) || 80
  if (url.username === '' && url.password === '') return { host, port }
  const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`
  return { host, port, authorization: `Basic ${Buffer.from(credentials).toString('base64')}` }
}

/**
 * Asks the proxy at the other end of a connected socket for a tunnel (RFC 9110 section 9.3.6) and calls `done` once, with
 * what went wrong or null: then the socket is the destination's. An end of the socket is not noticed here; it is the
 * caller's to watch.
 */
export function openTunnel(
  socket: Socket,
  proxy: EgressProxy,
  destination: { readonly host: string; readonly port: number },
  done: (failure: PostFailure | null) => void,
): void {
  const { host, port } = destination
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`
  const authorization = proxy.authorization === undefined ? '' : `proxy-authorization: ${proxy.authorization}\r\n`
  let answer: Buffer = Buffer.alloc(0)

  const finish = (failure: PostFailure | null): void => {
    socket.off('data', take)
    socket.pause()
    done(failure)
  }
  function take(chunk: Buffer): void {
    answer = Buffer.concat([answer, chunk])
    const end = answer.indexOf('\r\n\r\n')
    if (end < 0) {
      if (answer.length > answerBytesMax) finish(proxyFailure('its answer has no end'))
      return
    }
    const status = /^HTTP\/1\.[01] (\d{3})[ \r]/.exec(answer.subarray(0, end + 2).toString('latin1'))?.[1]
    if (status === undefined) return finish(proxyFailure('its answer is not valid HTTP'))
    if (!status.startsWith('2')) return finish(proxyFailure(`it answered ${status}`))
    const rest = answer.subarray(end + 4)
    if (rest.length > 0) socket.unshift(rest)
    finish(null)
  }
  socket.on('data', take)
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nhost: ${authority}\r\n${authorization}\r\n`)
}

/** `what` names neither the proxy nor the destination. */
export function proxyFailure(what: string): PostFailure {
  return new PostFailure('proxy_error', `The egress proxy made no connection: ${what}`)
}

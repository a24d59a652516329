import { isMainThread } from 'node:worker_threads'

/**
 * Loaded into a child before its program: ends the child as SIGTERM would when its standard input is closed. That happens
 * when the parent is gone, however it went, so that nothing it started is left behind. The child's threads load it too, and
 * have no standard input.
 */
if (isMainThread) {
  const end = (): boolean => process.kill(process.pid, 'SIGTERM')
  process.stdin.on('end', end)
  process.stdin.on('error', end)
  process.stdin.resume()
  if ('unref' in process.stdin) process.stdin.unref()
}

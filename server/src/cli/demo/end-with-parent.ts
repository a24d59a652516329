/**
 * Loaded into a child before its program: ends the child as SIGTERM would when its standard input is closed. That happens
 * when the parent is gone, however it went, so that nothing it started is left behind.
 */
process.stdin.on('end', () => process.kill(process.pid, 'SIGTERM'))
process.stdin.on('error', () => process.kill(process.pid, 'SIGTERM'))
process.stdin.resume()
if ('unref' in process.stdin) process.stdin.unref()

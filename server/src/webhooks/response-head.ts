/** Of one response's status line and headers. */
export const maxHeadBytes = 16_384
/** Of the same: lines between the status line and the blank one. */
export const maxHeaderLines = 256
/** The status line and the blank one. */
const otherLines = 2

/**
 * Judges the beginning of an answer before it is parsed. `open`: it fits so far, its end has not come. Interim heads (1xx)
 * are judged one by one and passed over.
 *
 * Why before: the parser makes some 140 bytes of objects per header, and a single read can hold thousands of them. What
 * it holds is only freed when the socket has closed.
 */
export function judgeHead(bytes: Buffer): 'fits' | 'open' | 'too_large' {
  for (let from = 0; ;) {
    // Parsers pass over blank lines before a status line.
    while (bytes[from] === 13 || bytes[from] === 10) from++
    const end = bytes.indexOf('\r\n\r\n', from)
    const head = bytes.subarray(from, end < 0 ? bytes.length : end + 4)
    if (head.length > maxHeadBytes || hasMoreLines(head, maxHeaderLines + otherLines)) return 'too_large'
    if (end < 0) return 'open'
    if (!/^HTTP\/1\.[01] 1/.test(head.toString('latin1', 0, 10))) return 'fits'
    from = end + 4
  }
}

function hasMoreLines(bytes: Buffer, most: number): boolean {
  let lines = 0
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) if (++lines > most) return true
  return false
}

/** Whether a header `accept` takes a type (RFC 9110, section 12.5.1); without the header everything is taken. */
export function takesType(accept: string | undefined, type: string): boolean {
  if (accept === undefined || accept.trim() === '') return true
  const [group] = type.split('/', 1)
  const fitting = ['*/*', `${group}/*`, type]
  const weights = new Map<string, boolean>()
  for (const range of accept.split(',')) {
    const [name = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    weights.set(name, !parameters.some((one) => /^q=0(\.0{0,3})?$/.test(one)))
  }
  // The most specific range decides.
  const decisive = fitting.toReversed().find((name) => weights.has(name))
  return decisive !== undefined && weights.get(decisive) === true
}

/**
 * The entry for an event name: its own, else that of the longest prefix (`order.item.*` before `order.*`), else that of `*`,
 * which is every business event, `daybook.*` not among them: the patterns of subscriptions.
 */
export function findHandler<Handler>(
  handlers: Readonly<Record<string, Handler | undefined>>,
  name: string,
): Handler | undefined {
  const isBusinessEvent = name !== 'daybook' && !name.startsWith('daybook.')
  const patterns = [name, ...prefixesOf(name), ...(isBusinessEvent ? ['*'] : [])]
  const found = patterns.find((pattern) => Object.hasOwn(handlers, pattern) && handlers[pattern] !== undefined)
  return found === undefined ? undefined : handlers[found]
}

function prefixesOf(name: string): readonly string[] {
  const segments = name.split('.')
  return segments.slice(1).map((_, index) => `${segments.slice(0, -1 - index).join('.')}.*`)
}

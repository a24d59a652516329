/** What a key may do. `*` is everything within its company. */
export const scopes = [
  '*',
  'events:read',
  'events:write',
  'audit:read',
  'definitions:write',
  'subscriptions:read',
  'subscriptions:write',
  'secrets:read',
  'deliveries:read',
  'deliveries:write',
  'replays:write',
  'retention:read',
  'retention:write',
  'keys:read',
  'keys:write',
] as const

export type Scope = (typeof scopes)[number]

export function hasScope(granted: readonly string[], needed: Scope): boolean {
  return granted.includes('*') || granted.includes(needed)
}

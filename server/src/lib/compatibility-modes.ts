/**
 * What a new version of a definition must keep: `backward` keeps producers of older payloads going, `forward` consumers that
 * know only an older version, `full` both; against the latest version, or with `_transitive` against all.
 */
export const compatibilityModes = [
  'none',
  'backward',
  'backward_transitive',
  'forward',
  'forward_transitive',
  'full',
  'full_transitive',
] as const

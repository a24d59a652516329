import assert from 'node:assert/strict'

/** A signing secret of ours: the prefix and 24 bytes or more in base64. */
const signingSecret = /whsec_[A-Za-z0-9+/]{32,}/

/**
 * What a process wrote must hold none of the secrets in its environment, no signing secret, and nothing that a test marked
 * with the word canary. Every server of every test is looked at in this way when it ends.
 */
export function assertSilentLog(log: string, env: Readonly<Record<string, string>>): void {
  const shown = `${log}\n${log.replaceAll(/(?:%[0-9a-f]{2})+/gi, decodePercent)}`.toLowerCase()
  for (const secret of secretsIn(env))
    assert.ok(!shown.includes(secret.toLowerCase()), `a secret is in the log:\n${log}`)
  assert.ok(!shown.includes('canary'), `a canary is in the log:\n${log}`)
  assert.doesNotMatch(log, signingSecret)
}

/** Never throws, unlike decodeURIComponent: a path in a log need not be UTF-8. */
function decodePercent(text: string): string {
  return Buffer.from(text.replaceAll('%', ''), 'hex').toString()
}

function secretsIn(env: Readonly<Record<string, string>>): readonly string[] {
  const keys = Object.entries(env).filter(([name]) => /_KEY(_PREVIOUS)?$/.test(name))
  const passwords = Object.values(env)
    .filter((value) => URL.canParse(value))
    .map((url) => decodeURIComponent(new URL(url).password))
  // A short password is a word that a log may hold for other reasons.
  return [...keys.map(([, value]) => value), ...passwords].filter((secret) => secret.length >= 12)
}

import { RETENTION_DAYS_MAX, RETENTION_DAYS_MIN } from '../../src/events/retention/retention-rules.ts'

const good = { payload_retention_days: null, ledger_retention_days: null, rules: [] }
const rule = (event_name: string, payload_retention_days: unknown = 90): object => ({
  event_name,
  payload_retention_days,
})

/** Retentions that have not the form: what, the body, the pointer of the fault. */
export const malformedRetentions: readonly (readonly [what: string, body: unknown, pointer: string])[] = [
  ['no ledger', { payload_retention_days: null, rules: [] }, '/ledger_retention_days'],
  ['too few days', { ...good, payload_retention_days: RETENTION_DAYS_MIN - 1 }, '/payload_retention_days'],
  ['too many days', { ...good, ledger_retention_days: RETENTION_DAYS_MAX + 1 }, '/ledger_retention_days'],
  ['half a day', { ...good, payload_retention_days: 40.5 }, '/payload_retention_days'],
  ['a rule without days', { ...good, rules: [{ event_name: 'a.b' }] }, '/rules/0/payload_retention_days'],
  ['an unknown member', { ...good, legal_hold: true }, '/legal_hold'],
]

/** Retentions that have the form and cannot be: what, the body, code and pointer. */
export const impossibleRetentions: readonly (readonly [what: string, body: unknown, code: string, pointer: string])[] =
  [
    ['a name that is none', { ...good, rules: [rule('A b')] }, 'invalid_event_name', '/rules/0/event_name'],
    [
      'two rules of one name',
      { ...good, rules: [rule('a.*'), rule('a.*', null)] },
      'invalid_retention',
      '/rules/1/event_name',
    ],
  ]

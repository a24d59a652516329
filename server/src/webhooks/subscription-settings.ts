import { isEventNamePattern } from '../events/event-names.ts'
import { compileFilter } from '../lib/filter/compile-filter.ts'
import { ProblemError } from '../lib/problems.ts'
import type { Fault, ProblemCode } from '../lib/problems.ts'
import { checkCustomHeaders } from './custom-headers.ts'
import type { EndpointCredentialFacts } from './endpoint-auth.ts'
import type { EgressAllow } from './egress-policy.ts'
import { checkWebhookUrl } from './egress-policy.ts'
import type { SavedSubscription, SubscriptionRow } from './subscription-store.ts'

/** What people choose of a subscription, secrets apart. */
export interface SubscriptionSettings {
  readonly webhook_url: string
  readonly event_names: readonly string[]
  readonly description: string | null
  readonly active: boolean
  /** Calls at once. */
  readonly concurrency: number
  /** Deadline of one attempt. */
  readonly timeout_ms: number
  /** Calls per second, over all processes; null: as fast as they are answered. */
  readonly rate_limit: number | null
  /** docs/filters.md; null or `{}`: every event of these names. */
  readonly filter: object | null
  /** Sent with every call. */
  readonly headers: Readonly<Record<string, string>>
  readonly format: SubscriptionRow['format']
  /** What is sent one after the other: nothing, the events of an entity, all. */
  readonly ordering: SubscriptionRow['ordering']
  /** Seconds before each further attempt; null: the operator's schedule. */
  readonly retry_schedule: readonly number[] | null
}

type Defaults = Omit<SubscriptionSettings, 'webhook_url' | 'event_names'>

export const settingDefaults: Defaults = {
  description: null,
  active: true,
  concurrency: 64,
  timeout_ms: 15_000,
  rate_limit: null,
  filter: null,
  headers: {},
  format: 'daybook',
  ordering: 'none',
  retry_schedule: null,
}

const EVENT_NAMES_MAX = 100
const RETRY_SECONDS_SUM_MAX = 30 * 86_400

/**
 * Throws one problem with every fault of the settings; its code is that of the first.
 * @param faultsOfCredentials of those that are given with them
 * @param isUrlKept it is stored already and stays as it is, whatever the operator allows by now; calls are checked anyway
 */
export function checkSettings(
  settings: SubscriptionSettings,
  allow: EgressAllow,
  { auth }: EndpointCredentialFacts,
  faultsOfCredentials: readonly Fault[],
  isUrlKept = false,
): void {
  const taken = auth.type === 'api_key' ? [auth.header] : []
  refuse([
    ['invalid_url', '/webhook_url', isUrlKept ? [] : urlFaults(settings.webhook_url, allow)],
    ...namesAndFilter(settings),
    ['invalid_header', '', checkCustomHeaders(settings.headers, '/headers', taken)],
    ['invalid_credentials', '', faultsOfCredentials],
    ['invalid_request', '/retry_schedule', scheduleFaults(settings.retry_schedule)],
  ])
}

/** Throws like {@link checkSettings}. */
export function checkNamesAndFilter(settings: Pick<SubscriptionSettings, 'event_names' | 'filter'>): void {
  refuse(namesAndFilter(settings))
}

type Checked = readonly [problem: ProblemCode, pointer: string, faults: readonly Fault[]]

function refuse(checked: readonly Checked[]): void {
  const wrong = checked.find(([, , faults]) => faults.length > 0)
  if (!wrong) return
  const faults = checked.flatMap(([, at, own]) => own.map((fault) => ({ ...fault, pointer: at + fault.pointer })))
  const [problem] = wrong
  throw new ProblemError(problem, faults[0]?.message ?? '', faults)
}

function namesAndFilter({
  event_names,
  filter,
}: Pick<SubscriptionSettings, 'event_names' | 'filter'>): readonly Checked[] {
  return [
    ['invalid_event_name', '/event_names', nameFaults(event_names)],
    ['invalid_filter', '/filter', filterFaults(filter)],
  ]
}

function urlFaults(text: string, allow: EgressAllow): readonly Fault[] {
  const url = checkWebhookUrl(text, allow)
  return url.ok ? [] : [{ pointer: '', code: url.code, message: url.message }]
}

function filterFaults(filter: SubscriptionSettings['filter']): readonly Fault[] {
  const compiled = compileFilter(filter ?? {})
  return compiled.ok ? [] : compiled.faults
}

function nameFaults(eventNames: readonly string[]): readonly Fault[] {
  const faults: Fault[] = []
  for (const [index, pattern] of eventNames.entries()) {
    if (isEventNamePattern(pattern)) continue
    const message = 'An event name, a prefix such as appointment.*, or * for every business event'
    faults.push({ pointer: `/${index}`, code: 'invalid_event_name', message })
  }
  if (eventNames.length === 0 || eventNames.length > EVENT_NAMES_MAX) {
    const message = `A subscription names 1 to ${EVENT_NAMES_MAX} events; * is every business event`
    faults.push({ pointer: '', code: 'invalid_event_name', message })
  }
  return faults
}

function scheduleFaults(schedule: SubscriptionSettings['retry_schedule']): readonly Fault[] {
  const seconds = (schedule ?? []).reduce((sum, one) => sum + one, 0)
  if (seconds <= RETRY_SECONDS_SUM_MAX) return []
  return [{ pointer: '', code: 'too_long', message: 'The attempts of a delivery are over within 30 days' }]
}

export function settingsOf(row: SubscriptionRow): SubscriptionSettings {
  return {
    webhook_url: row.webhook_url,
    event_names: row.event_names,
    description: row.description,
    active: row.status === 'active',
    concurrency: row.concurrency,
    timeout_ms: row.timeout_ms,
    rate_limit: row.rate_limit,
    filter: filterOf(row),
    headers: headersOf(row),
    format: row.format,
    ordering: row.ordering,
    retry_schedule: row.retry_schedule,
  }
}

/** As it was given; null where it lets everything through, or was spoiled in the database. */
export function filterOf({ filter }: Pick<SubscriptionRow, 'filter'>): object | null {
  return parsed(filter)
}

export function headersOf({
  custom_headers: headers,
}: {
  readonly custom_headers: string | null
}): Record<string, string> {
  const found = parsed(headers)
  return Object.fromEntries(Object.entries(found ?? {}).map(([name, value]) => [name, String(value)]))
}

function parsed(text: string | null): object | null {
  try {
    const value: unknown = JSON.parse(text ?? 'null')
    return typeof value === 'object' ? value : null
  } catch {
    return null
  }
}

/** As they are stored; `active` is not among them, since its change has consequences. */
export function toColumns(
  settings: SubscriptionSettings,
): Pick<
  SavedSubscription,
  | 'webhook_url'
  | 'event_names'
  | 'description'
  | 'concurrency'
  | 'timeout_ms'
  | 'rate_limit'
  | 'filter'
  | 'custom_headers'
  | 'format'
  | 'ordering'
  | 'retry_schedule'
> {
  const { filter, headers, description, concurrency, timeout_ms, rate_limit, format, ordering } = settings
  return {
    webhook_url: URL.parse(settings.webhook_url)?.href ?? settings.webhook_url, // one that is kept may be spoiled
    event_names: [...new Set(settings.event_names)],
    description,
    concurrency,
    timeout_ms,
    rate_limit,
    filter: filter && Object.keys(filter).length > 0 ? JSON.stringify(filter) : null,
    custom_headers: Object.keys(headers).length > 0 ? JSON.stringify(headers) : null,
    format,
    ordering,
    retry_schedule: settings.retry_schedule && [...settings.retry_schedule],
  }
}

import type { Evidence, HeadSample, VersionRow } from './evidence.ts'

/** Whether a subscription had to get an event. `perhaps`: it changed while the event was given its position. */
export type Owed = 'yes' | 'no' | 'perhaps'

/**
 * Tells for every event and subscription whether it is owed. An event is routed with its company's subscriptions as they
 * are at the commit that numbers it; the samples of heads say between which two versions that was.
 */
export function owedBy(
  evidence: Evidence,
): (companyId: string, position: number, eventName: string, sentMs: number) => Map<string, Owed> {
  const samples = Map.groupBy(evidence.samples, (sample) => sample.companyId)
  const histories = historiesOf(evidence.database.versions)
  return (companyId, position, eventName, sentMs) => {
    const own = samples.get(companyId) ?? []
    const least = Math.max(versionBefore(own, position), versionSeen(own, sentMs))
    const most = versionAfter(own, position)
    const owed = new Map<string, Owed>()
    for (const [subscriptionId, history] of histories.get(companyId) ?? []) {
      const states = during(history, least, most).map((row) => row !== undefined && wants(row, eventName))
      owed.set(subscriptionId, states.every(Boolean) ? 'yes' : states.some(Boolean) ? 'perhaps' : 'no')
    }
    return owed
  }
}

function historiesOf(versions: readonly VersionRow[]): Map<string, Map<string, VersionRow[]>> {
  const companies = new Map<string, Map<string, VersionRow[]>>()
  for (const row of versions.toSorted((a, b) => a.version - b.version)) {
    const company = companies.get(row.company_id) ?? new Map<string, VersionRow[]>()
    companies.set(row.company_id, company)
    const history = company.get(row.subscription_id) ?? []
    company.set(row.subscription_id, history)
    history.push(row)
  }
  return companies
}

/** The states from version `least` to `most`; undefined stands for "not made yet". */
function during(history: readonly VersionRow[], least: number, most: number): (VersionRow | undefined)[] {
  const first = history.findLast((row) => row.version <= least)
  return [first, ...history.filter((row) => row.version > least && row.version <= most)]
}

/** Written anew here, so that a mistake in the product is not repeated by its checker. */
function wants({ status, event_names: patterns }: VersionRow, eventName: string): boolean {
  return (
    status === 'active' &&
    patterns.some((pattern) => {
      if (pattern === '*') return !eventName.startsWith('daybook.')
      return pattern.endsWith('.*') ? eventName.startsWith(pattern.slice(0, -1)) : pattern === eventName
    })
  )
}

/** The newest version that was seen before this position was taken. */
function versionBefore(samples: readonly HeadSample[], position: number): number {
  const index = firstIndex(samples, (sample) => sample.lastPosition >= position)
  return samples[index - 1]?.version ?? 0
}

/** The newest version that was seen before this moment. */
function versionSeen(samples: readonly HeadSample[], ms: number): number {
  const index = firstIndex(samples, (sample) => sample.endMs >= ms)
  return samples[index - 1]?.version ?? 0
}

/** The oldest version that was seen after this position was taken. */
function versionAfter(samples: readonly HeadSample[], position: number): number {
  const index = firstIndex(samples, (sample) => sample.lastPosition >= position)
  return samples[index]?.version ?? Number.MAX_SAFE_INTEGER
}

/** By halving; the condition holds from some sample on. */
function firstIndex(samples: readonly HeadSample[], holds: (sample: HeadSample) => boolean): number {
  let low = 0
  let high = samples.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const sample = samples[middle]
    if (sample && holds(sample)) high = middle
    else low = middle + 1
  }
  return low
}

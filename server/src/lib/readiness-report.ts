/** What has to hold before requests should be sent to a process. The names are public: operators' probes show them. */
export const readinessChecks = ['database', 'migrations', 'engine', 'running'] as const

export type ReadinessCheck = (typeof readinessChecks)[number]

/** Why a check does not hold; undefined when it does. */
export type ReadinessReport = Readonly<Record<ReadinessCheck, string | undefined>>

export const allHold: ReadinessReport = {
  database: undefined,
  migrations: undefined,
  engine: undefined,
  running: undefined,
}

export function isReady(report: ReadinessReport): boolean {
  return readinessChecks.every((check) => report[check] === undefined)
}

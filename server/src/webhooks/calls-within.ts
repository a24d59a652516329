/** For files, database connections and what Node opens for itself. */
const RESERVED = 96

/**
 * How many of the calls that are wanted at once fit under the process's limit of open files. A third of what is left is for
 * calls, one for calls that take long and sockets that are kept open after a call, one for those who call us. At least one.
 *
 * @param openFilesMax Infinity where there is no limit
 */
export function callsWithin(openFilesMax: number, wanted: number): number {
  return Math.max(1, Math.min(wanted, Math.floor((openFilesMax - RESERVED) / 3)))
}

/** The limit that this process is under. Infinity where there is none, or none is told. */
export function openFilesMax(): number {
  const report = readReport()
  const soft = member(member(member(report, 'userLimits'), 'open_files'), 'soft')
  return typeof soft === 'number' ? soft : Infinity
}

/** Without what it would say of sockets: it looks up the names of all their peers, one after the other, and waits. */
function readReport(): unknown {
  const before: unknown = Reflect.get(process.report, 'excludeNetwork')
  Reflect.set(process.report, 'excludeNetwork', true)
  try {
    return process.report.getReport()
  } finally {
    Reflect.set(process.report, 'excludeNetwork', before)
  }
}

function member(of: unknown, name: string): unknown {
  return typeof of === 'object' && of !== null ? Reflect.get(of, name) : undefined
}

/**
 * How Node is started for Daybook. `source`: the workspaces run from their sources. The young generation is kept small:
 * left alone it grows to 128 MB under load, for nothing that could be measured. The old one is collected when it has grown
 * by 80 %; left alone it doubles several times before, which costs 100 MB and saves nothing.
 */
export const nodeFlags = [
  '--conditions=source',
  '--disable-warning=ExperimentalWarning',
  '--max-semi-space-size=8',
  '--heap-growing-percent=80',
]

/**
 * How Node is started for Daybook. `source`: the workspaces run from their sources. The young generation is kept small:
 * left alone it grows to 128 MB under load, for nothing that could be measured.
 */
export const nodeFlags = ['--conditions=source', '--disable-warning=ExperimentalWarning', '--max-semi-space-size=8']

import type { Job } from '../jobs/job-store.ts'
import type { ReplayParameters } from './replay-parameters.ts'

/** A replay as the interface shows it: its job, with what was ordered. */
export type Replay = Omit<Job, 'kind' | 'parameters' | 'failed'> &
  Omit<ReplayParameters, 'reason'> & {
    readonly reason: string | null
  }

export function toReplay({ kind: _kind, parameters, failed: _failed, ...job }: Job): Replay {
  const { source, target, mode, rate, reason = null, is_total_estimated } = parameters as unknown as ReplayParameters
  return { ...job, source, target, mode, rate, reason, is_total_estimated }
}

import type { Job } from '../jobs/job-store.ts'
import type { ReplayParameters } from './replay-parameters.ts'

/** A replay as the interface shows it: its job, with what was ordered. */
export type Replay = Omit<Job, 'kind' | 'parameters' | 'failed'> &
  Omit<ReplayParameters, 'reason' | 'confirmed_count'> & {
    readonly reason: string | null
    readonly confirmed_count: number | null
  }

export function toReplay({ kind: _kind, parameters, failed: _failed, ...job }: Job): Replay {
  const { reason = null, confirmed_count = null, ...ordered } = parameters as unknown as ReplayParameters
  return { ...job, ...ordered, reason, confirmed_count }
}

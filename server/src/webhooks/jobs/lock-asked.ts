import type { Db } from '../../db/statement.ts'
import { ProblemError } from '../../lib/problems.ts'
import { hasScope } from '../../lib/scopes.ts'
import { allJobKinds } from './all-job-kinds.ts'
import type { JobKind } from './job-kinds.ts'
import type { JobRow } from './job-store.ts'
import { lockJob } from './job-store.ts'

/** What somebody asks of a job. */
export interface JobAsk {
  readonly id: string
  /** Jobs of other kinds are as if they were not there. */
  readonly kind?: string
  /** Those of the key that asks, where they have to hold the scope of the job's kind. */
  readonly scopes?: readonly string[]
}

/** The job, locked until the transaction ends. Throws not_found or forbidden. */
export async function lockAsked(
  db: Db,
  companyId: string,
  { id, kind: kindName, scopes }: JobAsk,
): Promise<{ readonly row: JobRow; readonly kind: JobKind | undefined }> {
  const row = await lockJob(db, companyId, id, kindName)
  const kind = allJobKinds.find((one) => one.kind === row.kind)
  if (kind && scopes && !hasScope(scopes, kind.scope)) {
    throw new ProblemError('forbidden', `The key lacks the scope ${kind.scope}, which jobs ${kind.kind} need`)
  }
  return { row, kind }
}

import type { Db } from '../../db/statement.ts'
import type { Author } from '../../events/administrative-event.ts'
import { tellOfJob } from './job-event.ts'
import type { JobRow } from './job-store.ts'
import { insertJob } from './job-store.ts'

/** Writes a job and tells of it. The engine takes it up within about a second of the commit. */
export async function openJob(
  db: Db,
  author: Author,
  companyId: string,
  job: { readonly id: string; readonly kind: string; readonly parameters: unknown; readonly total: number },
): Promise<JobRow> {
  const who = JSON.stringify(author.actor)
  const [row] = await insertJob(db, companyId, job.id, job.kind, JSON.stringify(job.parameters), job.total, who)
  if (!row) throw new Error('A job was not inserted')
  await tellOfJob(db, author, companyId, 'daybook.job.started', undefined, row)
  return row
}

import { statement } from '../../db/statement.ts'
import type { Db } from '../../db/statement.ts'

const readSight = statement<[], { is_member: boolean }>(
  'retention.read_sight',
  `select pg_has_role(current_user, 'daybook_engine', 'usage') as is_member`,
)

/**
 * The policies of row level security hold for the owner of the tables too: it sees rows as a member of daybook_engine
 * that inherits its rights. One that does not would take every month for an empty one. Throws then.
 */
export async function confirmSight(db: Db): Promise<void> {
  const [row] = await readSight(db)
  if (row?.is_member) return
  throw new Error(
    'The login does not inherit the rights of daybook_engine and sees no rows; nothing is ended. ' +
      'Grant them: grant daybook_engine to <login> with inherit true',
  )
}

import type { Turn } from 'edge/integrity'
import { type Kysely, sql } from 'kysely'
import type { OrdersDatabase } from '../database.ts'

const overdueShown = 20
const overdueCounted = 10_000

/** The least UUIDv7 of a time: orders with a lesser id are older. */
export const orderIdAt = (time: Date): string => {
  const hex = time.getTime().toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`
}

/**
 * One gateway audits at a time, at most `leaseMs` long: were it to die, the next goes on where it was. Each turn has a
 * number; what an earlier one reports late is refused, or it would undo the progress of the later.
 */
export async function takeTurn(
  db: Kysely<OrdersDatabase>,
  { leaseMs, settledWithinMs }: { leaseMs: number; settledWithinMs: number },
  now: Date,
): Promise<Turn> {
  const { rows: taken } = await sql<{ turn: number; progress: unknown }>`
    insert into integrity_audit (turn, taken_until)
    values (1, clock_timestamp() + ${leaseMs} * interval '1 ms')
    on conflict (is_only) do update
      set turn = integrity_audit.turn + 1, taken_until = excluded.taken_until
      where integrity_audit.taken_until <= clock_timestamp()
    returning turn::int, progress`.execute(db)
  const settledBefore = orderIdAt(new Date(now.getTime() - settledWithinMs))
  const [mine] = taken
  if (mine) return { ...mine, settled_before: settledBefore, overdue: await findOverdue(db, settledBefore) }
  const { rows } = await sql<{ progress: unknown }>`select progress from integrity_audit`.execute(db)
  const overdue = { count: 0, is_capped: false, oldest: [] }
  return { turn: null, progress: rows[0]?.progress ?? null, settled_before: settledBefore, overdue }
}

/** False where another turn was taken since: nothing is kept. Nobody gets a turn in the `pauseMs` that follow. */
export async function endTurn(
  db: Kysely<OrdersDatabase>,
  { turn, pauseMs, progress }: { turn: number; pauseMs: number; progress: object },
): Promise<boolean> {
  const { numAffectedRows } = await sql`
    update integrity_audit
    set taken_until = clock_timestamp() + ${pauseMs} * interval '1 ms',
      progress = ${JSON.stringify(progress)}
    where turn = ${turn}`.execute(db)
  return numAffectedRows === 1n
}

/** From the partial index of open orders, so at the cost of what is open. */
async function findOverdue(db: Kysely<OrdersDatabase>, settledBefore: string): Promise<Turn['overdue']> {
  const { rows } = await sql<{ id: string; user_id: string; count: number }>`
    with overdue as materialized (
      select id, user_id from orders where status in ('NEW', 'PENDING_PAYMENT') and id < ${settledBefore}
      order by id limit ${overdueCounted}
    )
    select id, user_id::text, (select count(*)::int from overdue) as count from overdue
    order by id limit ${overdueShown}`.execute(db)
  const count = rows[0]?.count ?? 0
  return {
    count,
    is_capped: count === overdueCounted,
    oldest: rows.map(({ id, user_id }) => ({ id, user_id })),
  }
}

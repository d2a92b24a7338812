import { type Kysely, sql } from 'kysely'

export type OutboxBacklog = {
  /** Rows that have been committed for longer than `settledMs` and are not published. */
  waiting: number
  oldestAgeMs: number | null
  /** Whether there are more than were counted. */
  isCapped: boolean
}

/**
 * What the relay has not published yet, read from its stored cursor, so the same from every instance. The cursor is
 * stored once a second while there is something to publish; younger rows may be published already and are left
 * out, so a relay that keeps up shows 0. Bounded: counts at most `countMax` rows.
 */
export async function readOutboxBacklog<DB>(
  db: Kysely<DB>,
  { cursor = 'outbox', settledMs = 2_000, countMax = 50_000 } = {},
): Promise<OutboxBacklog> {
  const { rows } = await sql<{ waiting: number; oldest_age_ms: number | null }>`
    with stored as materialized (
      select published_to, window_to, window_after from relay_cursor where name = ${cursor}
    ),
    waiting as (
      select created_at from outbox
      where xid >= (select coalesce(max(pg_snapshot_xmax(published_to)::text::numeric), 0)::text::xid8 from stored)
        and created_at < clock_timestamp() - ${settledMs} * interval '1 ms'
        and not exists (
          select from stored
          where window_to is not null and pg_visible_in_snapshot(outbox.xid, window_to) and outbox.id <= window_after)
      union all
      select created_at from outbox
      where xid = any (array(select pg_snapshot_xip(published_to) from stored))
        and created_at < clock_timestamp() - ${settledMs} * interval '1 ms'
      limit ${countMax}
    )
    select count(*)::int as waiting,
           (extract(epoch from clock_timestamp() - min(created_at)) * 1000)::float8 as oldest_age_ms
    from waiting`.execute(db)
  const { waiting = 0, oldest_age_ms = null } = rows[0] ?? {}
  return { waiting, oldestAgeMs: oldest_age_ms, isCapped: waiting === countMax }
}

/** Dead letters that wait for a person, and the messages that wait behind them. */
export async function countOpenDeadLetters<DB>(db: Kysely<DB>): Promise<{ parked: number; waiting: number }> {
  const { rows } = await sql<{ parked: number; waiting: number }>`
    select count(*) filter (where state = 'parked')::int as parked,
           count(*) filter (where state = 'waiting')::int as waiting
    from dead_letters where state in ('parked', 'waiting')`.execute(db)
  return rows[0] ?? { parked: 0, waiting: 0 }
}

import { type Kysely, sql } from 'kysely'
import type { OrdersDatabase } from '../database.ts'
import { statusTopic, tasksTopic } from '../orders/order-events.ts'

export type Second = {
  at: string
  placed: number
  settled: number
  p50_ms: number | null
  p99_ms: number | null
}
export type OrderFlow = {
  windowSeconds: number
  placed: number
  finished: number
  cancelled: number
  timeToSettleMs: { p50: number; p99: number } | null
  seconds: Second[]
}

const windowSecondsMax = 60
/** Rows of the outbox that are looked at, growing until they reach back over the window. */
const looks = [1_000, 8_000, 50_000]

/**
 * What was placed and settled in the last minute, counted in the outbox: each placing and each settling writes one
 * row there in its own transaction, whichever instance does it, so these are the numbers of the whole service.
 * The time to settle is from the order's id (UUIDv7) to the row that tells its end.
 *
 * The newest rows are read backwards by primary key, since their time has no index: 1,000 rows when little happens,
 * 50,000 at most, where the window gets shorter than a minute and says so.
 */
export async function readOrderFlow(db: Kysely<OrdersDatabase>, now: Date): Promise<OrderFlow> {
  for (const rowsMax of looks) {
    const flow = await lookAt(db, now, rowsMax)
    if (flow.windowSeconds === windowSecondsMax || rowsMax === looks.at(-1)) return flow
  }
  throw new Error('unreachable: the last look is always answered')
}

async function lookAt(db: Kysely<OrdersDatabase>, now: Date, rowsMax: number): Promise<OrderFlow> {
  const since = new Date(now.getTime() - windowSecondsMax * 1_000)
  const { rows } = await sql<{
    looked_at: number
    oldest_age_s: number | null
    placed: number
    finished: number
    cancelled: number
    p50: number | null
    p99: number | null
    seconds: Second[] | null
  }>`
    with newest as materialized (
      select topic, aggregate_id, created_at, payload from outbox order by id desc limit ${rowsMax}
    ),
    recent as materialized (
      select created_at, topic = ${tasksTopic} as is_placed,
        case when topic = ${statusTopic} then payload ->> 'status' end as status,
        case when topic = ${statusTopic} then
          greatest(0, extract(epoch from created_at - uuid_extract_timestamp(aggregate_id::uuid)) * 1000)::float8
        end as took_ms
      from newest
      where created_at > ${since} and created_at <= ${now} and topic in (${tasksTopic}, ${statusTopic})
    ),
    by_second as (
      select floor(extract(epoch from created_at))::bigint as second,
        count(*) filter (where is_placed)::int as placed,
        count(status)::int as settled,
        percentile_disc(0.5) within group (order by took_ms) as p50_ms,
        percentile_disc(0.99) within group (order by took_ms) as p99_ms
      from recent group by second
    )
    select
      (select count(*)::int from newest) as looked_at,
      (select extract(epoch from ${now}::timestamptz - min(created_at))::float8 from newest) as oldest_age_s,
      count(*) filter (where is_placed)::int as placed,
      count(*) filter (where status = 'FINISHED')::int as finished,
      count(*) filter (where status = 'CANCELLED')::int as cancelled,
      percentile_disc(0.5) within group (order by took_ms) as p50,
      percentile_disc(0.99) within group (order by took_ms) as p99,
      (select json_agg(json_build_object('at', to_char(to_timestamp(second) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
         'placed', placed, 'settled', settled, 'p50_ms', p50_ms, 'p99_ms', p99_ms) order by second) from by_second) as seconds
    from recent`.execute(db)
  const [row] = rows
  if (!row) throw new Error('unreachable: an aggregate answers one row')
  const isShort =
    row.looked_at === rowsMax && row.oldest_age_s !== null && row.oldest_age_s < windowSecondsMax
  return {
    windowSeconds: isShort ? Math.max(1, row.oldest_age_s ?? 1) : windowSecondsMax,
    placed: row.placed,
    finished: row.finished,
    cancelled: row.cancelled,
    timeToSettleMs: row.p50 !== null && row.p99 !== null ? { p50: row.p50, p99: row.p99 } : null,
    seconds: everySecond(row.seconds ?? [], now),
  }
}

/** One entry for each whole second of the window, so that a quiet one is a zero and no hole. Pure. */
function everySecond(known: Second[], now: Date): Second[] {
  const bySecond = new Map(known.map(second => [Date.parse(second.at) / 1_000, second]))
  // The second that is still running would always look like a drop.
  const last = Math.floor(now.getTime() / 1_000) - 1
  return Array.from({ length: windowSecondsMax - 1 }, (_, index) => {
    const second = last - (windowSecondsMax - 2) + index
    const at = new Date(second * 1_000).toISOString()
    const found = bySecond.get(second)
    return found ? { ...found, at } : { at, placed: 0, settled: 0, p50_ms: null, p99_ms: null }
  })
}

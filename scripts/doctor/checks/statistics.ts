import { type Finding, timeWords } from '../finding.ts'
import type { Database } from '../installation.ts'

/** `analysedAgoMs` null: never. */
export type TableStatistics = { table: string; rows: number; changed: number; analysedAgoMs: number | null }

/** Below this any plan is fast. */
const rowsMin = 10_000
/** Autovacuum looks each minute, and analyses what changed by a tenth. */
const changedShareMax = 0.5
const analysedMsMin = 10 * 60_000

export async function checkStatistics({ pool }: Database): Promise<Finding[]> {
  const { rows } = await pool.query<{ table: string; rows: number; changed: number; ago: number | null }>(
    `select pg_class.relname::text as "table", n_live_tup::float8 as rows, n_mod_since_analyze::float8 as changed,
            (extract(epoch from clock_timestamp() - greatest(last_analyze, last_autoanalyze)) * 1000)::float8 as ago
     from pg_stat_user_tables join pg_class on pg_class.oid = relid where relkind = 'r'`,
  )
  return judgeStatistics(rows.map(({ ago, ...row }) => ({ ...row, analysedAgoMs: ago })))
}

export function judgeStatistics(tables: TableStatistics[]): Finding[] {
  const stale = tables.filter(
    ({ rows, changed, analysedAgoMs }) =>
      rows >= rowsMin &&
      (analysedAgoMs === null || (analysedAgoMs >= analysedMsMin && changed > rows * changedShareMax)),
  )
  if (stale.length === 0) return []
  const told = stale.map(
    ({ table, rows, analysedAgoMs }) =>
      `${table} (${rows} rows, ${analysedAgoMs === null ? 'never analysed' : `analysed ${timeWords(analysedAgoMs)} ago`})`,
  )
  return [
    {
      level: 'advice',
      what: `The planner knows too little of ${told.join(', ')}.`,
      means: 'It guesses how many rows there are, and may read a whole table where an index would do.',
      next: `Run: ${stale.map(({ table }) => `analyze ${table}`).join('; ')}. If it comes back, see why autovacuum does not: it is off, or too slow for the writing.`,
      page: 'docs/doctor.md#statistics',
    },
  ]
}

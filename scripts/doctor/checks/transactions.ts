import { counted, type Finding, timeWords } from '../finding.ts'
import type { Database } from '../installation.ts'

export type OpenTransaction = { who: string; openMs: number; end: string; doing: string }

const transactionLimits = { adviceMs: 60_000, faultMs: 30 * 60_000 }
const shownMax = 3

/** Of this database only: another one's hold back neither its vacuum nor its outbox. */
export async function checkTransactions({ pool }: Database, limits = transactionLimits): Promise<Finding[]> {
  const { rows } = await pool.query<{ who: string; open_ms: number; end: string; doing: string }>(
    `select format('pid %s (%s, %s)', pid, usename, coalesce(nullif(application_name, ''), 'unnamed')) as who,
            (extract(epoch from clock_timestamp() - xact_start) * 1000)::float8 as open_ms,
            format('select pg_terminate_backend(%s)', pid) as end,
            format('%s: %s', state, left(regexp_replace(query, '\\s+', ' ', 'g'), 80)) as doing
     from pg_stat_activity
     where datname = current_database() and backend_type = 'client backend' and xact_start is not null
       and pid <> pg_backend_pid()
     union all
     select format('prepared transaction %L (%s)', gid, owner),
            (extract(epoch from clock_timestamp() - prepared) * 1000)::float8,
            format('rollback prepared %L', gid), 'prepared, and no connection holds it'
     from pg_prepared_xacts where database = current_database()
     order by open_ms desc limit 100`,
  )
  return judgeTransactions(
    rows.map(({ open_ms, ...row }) => ({ ...row, openMs: open_ms })),
    limits,
  )
}

function judgeTransactions(open: OpenTransaction[], limits = transactionLimits): Finding[] {
  const long = open.filter(({ openMs }) => openMs >= limits.adviceMs)
  const [longest] = long
  if (!longest) return []
  const told = long
    .slice(0, shownMax)
    .map(({ who, openMs, doing }) => `${who} for ${timeWords(openMs)}: ${doing}`)
  return [
    {
      level: longest.openMs >= limits.faultMs ? 'fault' : 'advice',
      what: `${counted(long.length, 'transaction')} open for long: ${told.join('; ')}.`,
      means:
        'Events it has appended wait for its end (others do not). Until then nothing that was deleted since is vacuumed, and no published day of the outbox is dropped: tables grow and get slower.',
      next: `Find out whose it is and end it there. If nobody knows: ${longest.end}; it is undone then.`,
      page: 'docs/doctor.md#transactions',
    },
  ]
}

import { partitionName } from 'messaging/retention'
import { counted, type Finding } from '../finding.ts'
import type { Database } from '../installation.ts'

const dayMs = 86_400_000
const page = 'docs/doctor.md#partitions'

/** The hourly run makes three days ahead: just after midnight, UTC, the third is not due yet. */
const daysAheadDue = 2
const daysAheadNeeded = 1

export async function checkPartitions({ pool }: Database): Promise<Finding[]> {
  const { rows } = await pool.query<{ names: string[]; now: Date; strays: boolean }>(
    `select array(select c.relname::text from pg_inherits i join pg_class c on c.oid = i.inhrelid
                  where i.inhparent = 'outbox'::regclass) as names,
            clock_timestamp() as now,
            exists (select from outbox_default) as strays`,
  )
  const [{ names, now, strays }] = rows as [(typeof rows)[0]]
  return judgePartitions(names, now, strays)
}

export function judgePartitions(names: string[], now: Date, hasStrays: boolean): Finding[] {
  const missing = Array.from({ length: daysAheadDue + 1 }, (_, day) => day).filter(
    day => !names.includes(partitionName(new Date(now.getTime() + day * dayMs))),
  )
  const days = missing.map(day => partitionName(new Date(now.getTime() + day * dayMs)))
  const findings: Finding[] = []
  if (missing.length > 0) {
    findings.push({
      level: missing.some(day => day <= daysAheadNeeded) ? 'fault' : 'advice',
      what: `${counted(days.length, 'partition')} of the outbox missing: ${days.join(', ')}.`,
      means:
        'The retention job, which each service runs every hour, does not get to it. Events go to outbox_default: none is lost, but they are deleted row by row instead of dropped, and nothing that has expired is dropped either.',
      next: 'Look for "retention failed" or "could not make" in the log of the service: it says why. Most often a long transaction holds the table, or the service is down.',
      page,
    })
  }
  if (hasStrays) {
    findings.push({
      level: 'advice',
      what: 'outbox_default holds events.',
      means:
        'They were written while their day had no partition. They are published like all others and deleted when they expire; until then that day cannot get a partition.',
      next: 'Nothing, where this is over. Where partitions are missing as well, see to that first.',
      page,
    })
  }
  return findings
}

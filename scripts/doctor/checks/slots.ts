import type { Finding } from '../finding.ts'
import type { Database } from '../installation.ts'

export type Slot = { name: string; isActive: boolean; walStatus: string | null; heldBytes: number | null }

const mib = 1024 * 1024
/** A segment of WAL is 16 MiB: this much lies about at any time. */
const advisedBytes = 64 * mib
const faultBytes = 4 * 1024 * mib
const page = 'docs/doctor.md#slots'

/** Those of the whole server: they hold the WAL of all of it. */
export async function checkSlots(
  { pool }: Database,
  limits = { advisedBytes, faultBytes },
): Promise<Finding[]> {
  const { rows } = await pool.query<{ name: string; active: boolean; wal_status: string; held: number }>(
    `select slot_name::text as name, active, wal_status,
            pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::float8 as held
     from pg_replication_slots`,
  )
  const slots = rows.map(({ name, active, wal_status, held }) => ({
    name,
    isActive: active,
    walStatus: wal_status,
    heldBytes: held,
  }))
  return judgeSlots(slots, limits)
}

export function judgeSlots(slots: Slot[], limits = { advisedBytes, faultBytes }): Finding[] {
  return slots.flatMap(({ name, isActive, walStatus, heldBytes }): Finding[] => {
    if (walStatus === 'lost') {
      return [
        {
          level: 'fault',
          what: `Replication slot ${name} is lost: what it had not read yet has been removed.`,
          means: 'Whoever reads from it (a standby, or Debezium) has missed changes and cannot go on.',
          next: `Drop it (select pg_drop_replication_slot('${name}')) and set its reader up anew.`,
          page,
        },
      ]
    }
    const held = heldBytes ?? 0
    if (held < (isActive ? limits.faultBytes : limits.advisedBytes)) return []
    return [
      {
        level: held >= limits.faultBytes ? 'fault' : 'advice',
        what: `Replication slot ${name} holds ${Math.round(held / mib)} MiB of WAL, and ${isActive ? 'its reader is far behind' : 'nobody reads from it'}.`,
        means: 'None of that can be removed, so the disk fills; when it is full, the database stops.',
        next: isActive
          ? 'See why its reader is slow. Watch the free disk until it has caught up.'
          : `Start its reader (a standby, or Debezium) again; if it is gone for good: select pg_drop_replication_slot('${name}').`,
        page,
      },
    ]
  })
}

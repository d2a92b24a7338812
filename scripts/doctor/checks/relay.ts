import { setTimeout as sleep } from 'node:timers/promises'
import { type OutboxBacklog, readOutboxBacklog } from 'messaging/backlog'
import type { Pool } from 'pg'
import { type Finding, timeWords } from '../finding.ts'
import type { Database } from '../installation.ts'

/** `expiredMs` is negative while the lease runs, and means nothing where nobody owns it. */
export type RelayLease = { name: string; owner: string | null; expiredMs: number }

/** The cursor of the services' own relay. */
const ownCursor = 'outbox'
/** A lease runs 10 s; another instance takes it within moments. */
const takenOverMsMax = 60_000
/** A service that is being started again has let go of it for about so long. */
const restartMsMax = 5_000
const lookAgainMs = 250
const backlogMsMax = 60_000

export async function checkRelay({ pool, db }: Database, limits = { restartMsMax }): Promise<Finding[]> {
  const lookUntil = performance.now() + limits.restartMsMax
  let leases = await readLeases(pool)
  while (leases.some(({ owner }) => owner === null) && performance.now() < lookUntil) {
    await sleep(lookAgainMs)
    leases = await readLeases(pool)
  }
  return judgeRelay(leases, await readOutboxBacklog(db))
}

async function readLeases(pool: Pool): Promise<RelayLease[]> {
  const { rows } = await pool.query<{ name: string; owner: string | null; expired_ms: number }>(
    `select name, owner, (extract(epoch from clock_timestamp() - lease_until) * 1000)::float8 as expired_ms
     from relay_cursor order by name`,
  )
  return rows.map(({ expired_ms, ...row }) => ({ ...row, expiredMs: expired_ms }))
}

function judgeRelay(leases: RelayLease[], backlog: OutboxBacklog): Finding[] {
  const findings = leases.flatMap(judgeLease)
  if (!leases.some(({ name }) => name === ownCursor)) {
    findings.push({
      level: 'fault',
      what: 'No relay has ever published this outbox.',
      means: 'What is written into it stays there. Right only where Debezium publishes it instead.',
      next: 'Start the service. If it runs, its log says why its relay cannot take the lease.',
      page: 'docs/runbooks/NoRelayOwner.md',
    })
  }
  const { oldestAgeMs, waiting, isCapped } = backlog
  if (oldestAgeMs !== null && oldestAgeMs >= backlogMsMax) {
    findings.push({
      level: 'fault',
      what: `${isCapped ? 'At least ' : ''}${waiting} events wait to be published, the oldest for ${timeWords(oldestAgeMs)}.`,
      means: 'Orders are accepted and do not go on. Nothing is lost.',
      next: 'Bring back what the log of the service says is missing, most often a broker. Then wait: it catches up by itself.',
      page: 'docs/runbooks/OutboxBacklogOld.md',
    })
  }
  return findings
}

function judgeLease({ name, owner, expiredMs }: RelayLease): Finding[] {
  if (owner !== null && expiredMs < takenOverMsMax) return []
  const story =
    owner === null
      ? 'its last owner let go of it, and none has come'
      : `the lease of ${owner} ran out ${timeWords(expiredMs)} ago, and none has taken it`
  if (name !== ownCursor) {
    return [
      {
        level: 'advice',
        what: `Nobody runs the relay "${name}": ${story}.`,
        means: 'Retention keeps every event that this cursor has not published: the outbox grows.',
        next: `Start whoever runs it. If it is gone for good: delete from relay_cursor where name = '${name.replaceAll("'", "''")}'.`,
        page: 'docs/doctor.md#relay',
      },
    ]
  }
  return [
    {
      level: 'fault',
      what: `Nobody publishes the outbox: ${story}.`,
      means: 'What this service writes goes nowhere. Orders are accepted and wait. Nothing is lost.',
      next: 'Start an instance of the service. If one runs, its log says why its relay cannot take the lease.',
      page: 'docs/runbooks/NoRelayOwner.md',
    },
  ]
}

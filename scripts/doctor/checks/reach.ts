import type { Finding } from '../finding.ts'
import type { Database } from '../installation.ts'
import type { KafkaCluster } from '../kafka-cluster.ts'

/** Answers nothing where the part is there, and can be written to. */
export async function checkReach(part: Database | KafkaCluster): Promise<Finding[]> {
  try {
    if (!('pool' in part)) {
      await part.ping()
      return []
    }
    const { rows } = await part.pool.query<{ standby: boolean }>('select pg_is_in_recovery() as standby')
    return judgeStandby(part.at, rows[0]?.standby === true)
  } catch (error) {
    return [unreachable('pool' in part ? 'database' : 'Kafka', part.at, error as Error & { code?: string })]
  }
}

export function judgeStandby(at: string, isStandby: boolean): Finding[] {
  if (!isStandby) return []
  return [
    {
      level: 'fault',
      what: `${at} is a standby: it can be read only.`,
      means: 'Nothing can be written there: every call that changes something fails.',
      next: 'Point the service at the primary. After a failover, see that the old address leads to the new one.',
      page: 'docs/doctor.md#reach',
    },
  ]
}

function unreachable(
  what: 'database' | 'Kafka',
  at: string,
  { code, message }: Error & { code?: string },
): Finding {
  return {
    level: 'fault',
    what: `It cannot be used at ${at}: ${message || code}.`,
    means:
      what === 'Kafka'
        ? 'Orders are accepted and wait. Nothing is lost, and nothing settles.'
        : 'Its service refuses every call that needs it, and handles no message. Nothing that was acknowledged is lost.',
    next: 'Start it, or correct the address, user or password that the doctor was given. Nothing needs to be restarted afterwards.',
    page: what === 'Kafka' ? 'docs/doctor.md#reach' : 'docs/runbooks/EngineUnreadable.md',
  }
}

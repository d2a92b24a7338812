import { judgeClock, readClocks } from './checks/clocks.ts'
import { checkDeadLetters } from './checks/dead-letters.ts'
import { checkMigrations } from './checks/migrations.ts'
import { checkPartitions } from './checks/partitions.ts'
import { checkPooler } from './checks/pooler.ts'
import { checkReach } from './checks/reach.ts'
import { checkRelay } from './checks/relay.ts'
import { checkService } from './checks/services.ts'
import { checkSlots } from './checks/slots.ts'
import { checkStatistics } from './checks/statistics.ts'
import { judgeTopic } from './checks/topics.ts'
import { checkTransactions } from './checks/transactions.ts'
import { conclude, type Examination, type Finding, type Told } from './finding.ts'
import type { Database, Installation } from './installation.ts'

/** One after another: a doctor does not add to what a database that is ill has to do. */
const databaseChecks: Record<string, (database: Database) => Promise<Finding[]>> = {
  migrations: checkMigrations,
  pooler: checkPooler,
  transactions: checkTransactions,
  statistics: checkStatistics,
  slots: checkSlots,
  partitions: checkPartitions,
  relay: checkRelay,
  'dead-letters': checkDeadLetters,
}
const missingTable = '42P01'

/** Looks at all of it. Rejects for bugs only: what cannot be looked at is a finding, too. */
export async function examine(installation: Installation): Promise<Examination> {
  const { databases, kafka, services, topics } = installation
  const [ofDatabases, ofKafka, ofServices] = await Promise.all([
    reached(databases),
    reached(kafka ? [kafka] : []),
    Promise.all(services.map(service => told('services', service.where, () => checkService(service)))),
  ])
  const [cluster] = ofKafka.there
  const clocks = await readClocks({ ...installation, databases: ofDatabases.there, kafka: cluster })
  const findings = await Promise.all([
    ...ofDatabases.there.map(examineDatabase),
    ...(cluster
      ? topics.map(topic =>
          told('topics', `topic ${topic}`, async () =>
            judgeTopic(topic, await cluster.readTopic(topic), installation),
          ),
        )
      : []),
    ...clocks.map(reading => told('clocks', reading.where, async () => judgeClock(reading))),
  ])
  const all = [...databases, ...(kafka ? [kafka] : []), ...services].map(({ where }) => where)
  return conclude(all, [...ofDatabases.findings, ...ofKafka.findings, ...ofServices, ...findings].flat())
}

async function reached<Part extends Database | NonNullable<Installation['kafka']>>(parts: Part[]) {
  const each = await Promise.all(
    parts.map(async part => ({ part, findings: await told('reach', part.where, () => checkReach(part)) })),
  )
  return {
    there: each.filter(({ findings }) => findings.length === 0).map(({ part }) => part),
    findings: each.flatMap(({ findings }) => findings),
  }
}

async function examineDatabase(database: Database): Promise<Told[]> {
  const findings: Told[] = []
  for (const [check, look] of Object.entries(databaseChecks))
    findings.push(...(await told(check, database.where, () => look(database))))
  return findings
}

/** A table that is not there is told of as a migration that is not applied. */
async function told(check: string, where: string, look: () => Promise<Finding[]>): Promise<Told[]> {
  try {
    return (await look()).map(finding => ({ ...finding, check, where }))
  } catch (error) {
    if (Object(error).code === missingTable) return []
    return [
      {
        level: 'advice',
        check,
        where,
        what: `It could not be looked at: ${(error as Error).message || Object(error).code}.`,
        means: 'Whether this is well is not known.',
        next: 'Most often a right is missing: let the doctor come as a role that may read it, such as the one that migrates.',
        page: 'docs/doctor.md#what-it-needs',
      },
    ]
  }
}

import { type MigrationState, readMigrationState } from 'migrations/migration-state'
import { counted, type Finding } from '../finding.ts'
import type { Database } from '../installation.ts'

const page = 'docs/doctor.md#migrations'

export async function checkMigrations({ name, db }: Database): Promise<Finding[]> {
  return judgeMigrations(await readMigrationState(db, name), name)
}

function judgeMigrations({ pending, edited, unknown }: MigrationState, set: string): Finding[] {
  const findings: Finding[] = []
  if (pending.length > 0) {
    findings.push({
      level: 'fault',
      what: `${counted(pending.length, 'migration')} of this code not applied: ${pending.join(', ')}.`,
      means: 'Services of this version fail at every statement that needs what is missing.',
      next: `Run node migrations/main.ts ${set}. It is safe while services run.`,
      page,
    })
  }
  if (edited.length > 0) {
    findings.push({
      level: 'fault',
      what: `${counted(edited.length, 'migration')} edited after being applied here: ${edited.join(', ')}.`,
      means: 'This database is not what the files say, and no further migration will be applied to it.',
      next: 'Restore the files as they were, and put the change into a new migration.',
      page,
    })
  }
  if (unknown.length > 0) {
    findings.push({
      level: 'advice',
      what: `${counted(unknown.length, 'migration')} applied here that this code does not have: ${unknown.join(', ')}.`,
      means: 'A newer version has been here, or this doctor is older than the services it looks at.',
      next: 'Run the doctor of the version that is deployed. Nothing newer to be migrated with this one.',
      page,
    })
  }
  return findings
}

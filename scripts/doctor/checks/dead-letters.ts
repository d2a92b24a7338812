import { countOpenDeadLetters } from 'messaging/backlog'
import { counted, type Finding } from '../finding.ts'
import type { Database } from '../installation.ts'

export async function checkDeadLetters({ name, db }: Database): Promise<Finding[]> {
  return judgeDeadLetters(await countOpenDeadLetters(db), name)
}

function judgeDeadLetters(
  { parked, waiting }: { parked: number; waiting: number },
  service: string,
): Finding[] {
  if (parked === 0) return []
  return [
    {
      level: 'advice',
      what: `${counted(parked, 'message')} parked, ${waiting} waiting behind.`,
      means: 'The users that these are about wait, until a person decides. All others go on.',
      next: `Run npm run dead-letters -- list --service ${service}`,
      page: 'docs/runbooks/DeadLetterParked.md',
    },
  ]
}

/** fault: broken, or messages are in danger. advice: will be trouble. note: good to know, and right for some. */
export type Level = 'fault' | 'advice' | 'note'

/** What a check has to say to a person, who may never have heard of what it looked at. */
export type Finding = {
  level: Level
  what: string
  means: string
  next: string
  /** Of this repository, for more. */
  page: string
}

/** With where it was found, and by which check. */
export type Told = Finding & { check: string; where: string }

export type Examination = {
  status: 'healthy' | 'advice' | 'faults'
  /** What was asked for, for instance "orders database". */
  looked_at: string[]
  /** Worst first. */
  findings: Told[]
}

const order: Level[] = ['fault', 'advice', 'note']

export function conclude(lookedAt: string[], findings: Told[]): Examination {
  const has = (level: Level) => findings.some(finding => finding.level === level)
  return {
    status: has('fault') ? 'faults' : has('advice') ? 'advice' : 'healthy',
    looked_at: lookedAt,
    findings: findings.toSorted((one, other) => order.indexOf(one.level) - order.indexOf(other.level)),
  }
}

const units = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
] as const

/** "3 minutes", in the largest unit of which there is one. */
export function timeWords(ms: number): string {
  const [unit, length] = units.find(([, each]) => ms >= each) ?? units.at(-1)!
  return counted(Math.floor(ms / length), unit)
}

export const counted = (count: number, noun: string) => `${count} ${noun}${count === 1 ? '' : 's'}`

import { counted, type Examination, type Level } from './finding.ts'

const labels: Record<Level, string> = { fault: 'FAULT', advice: 'ADVICE', note: 'NOTE' }

/** For people. What is the same in several places is said once. */
export function examinationLines({ status, findings }: Examination): string[] {
  const alike = Map.groupBy(findings, ({ level, what, next }) => `${level} ${what} ${next}`)
  const told = [...alike.values()].flatMap(group => {
    const [{ level, check, what, means, next, page }] = group as [(typeof group)[0]]
    return [
      `${labels[level].padEnd(6)}  ${group.map(({ where }) => where).join(', ')} (${check})`,
      `        ${what}`,
      `        What it means: ${means}`,
      `        What to do: ${next}`,
      `        More: ${page}`,
      '',
    ]
  })
  const count = (level: Level) => findings.filter(finding => finding.level === level).length
  const advice = `${counted(count('advice'), 'piece')} of advice`
  switch (status) {
    case 'faults':
      return [
        ...told,
        `${counted(count('fault'), 'fault')}, ${advice}. Begin at the top: what is below may follow from it.`,
      ]
    case 'advice':
      return [...told, `Nothing is broken; ${advice}.`]
    case 'healthy':
      return [...told, 'Nothing is wrong.']
  }
}

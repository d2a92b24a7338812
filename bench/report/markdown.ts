import { plain } from '../harness/measure.ts'
import type { Measure } from '../harness/results.ts'
import type { Verdict } from '../harness/targets.ts'
import type { Report } from './report.ts'

/** For docs/performance.md. */
export function asMarkdown({
  machine,
  startedAt,
  extent,
  sections,
  measures,
  notes,
  verdicts,
}: Report): string {
  const parts = [
    `Measured on ${machine.cores} cores of ${machine.cpu}, ${machine.memoryGb} GB, ${machine.system}, Node ${machine.node.slice(1)}; ` +
      `one durable write takes ${plain(machine.syncMs)} ms. Commit ${machine.commit}, ${startedAt.slice(0, 10)}, ${extent} run. ` +
      'Load generator, PostgreSQL, Kafka and services share the machine. Medians; ± is the distance between the quartiles.',
    ...(verdicts.length > 0 ? [verdictTable(verdicts)] : []),
  ]
  for (const { name, about } of sections) {
    const of = measures.filter(({ section }) => section === name)
    if (of.length === 0) continue
    parts.push(`### ${name}`, about, measureTable(of))
    const remarks = notes.filter(({ section }) => section === name)
    if (remarks.length > 0) parts.push(remarks.map(({ text }) => `- ${text}`).join('\n'))
  }
  return `${parts.join('\n\n')}\n`
}

function verdictTable(verdicts: Verdict[]): string {
  const rows = verdicts.map(({ about, value, unit, must, aim, reached }) => [
    about,
    value === undefined ? 'not to be quoted' : `${plain(value)} ${unit}`,
    String(must),
    String(aim),
    reached === 'unknown' ? '' : reached,
  ])
  return table(['goal', 'measured', 'must', 'aim', 'reached'], rows)
}

/** One row a scenario, one column a figure where all scenarios have the same few, else one row a figure. */
function measureTable(measures: Measure[]): string {
  const rows = measures.map(measure => [
    measure.scenario,
    measure.figure,
    quoted(measure),
    String(measure.values.length),
  ])
  return table(['measure', 'figure', 'median', 'runs'], rows)
}

export function quoted({ median, unit, spreadPercent, isQuotable }: Measure): string {
  if (!isQuotable) return `not to be quoted (± ${plain(spreadPercent)} %)`
  return `${plain(median)} ${unit} ± ${plain(spreadPercent)} %`
}

const table = (head: string[], rows: string[][]): string =>
  [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n')

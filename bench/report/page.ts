import { plain } from '../harness/measure.ts'
import type { Measure } from '../harness/results.ts'
import { escapeHtml } from './html.ts'
import { quoted } from './markdown.ts'
import { drawPlot } from './plot.ts'
import type { Report } from './report.ts'

/** One file that needs no other: to be opened, kept and sent. */
export function asPage(report: Report): string {
  const { machine, sections, measures, plots, notes, verdicts } = report
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Benchmark of ${escapeHtml(report.startedAt)}</title>
<style>${style}</style>
<h1>Benchmark</h1>
<p>${escapeHtml(report.startedAt)}, ${report.extent} run of ${plain(report.minutes)} minutes, commit ${escapeHtml(machine.commit)}.
${machine.cores} cores of ${escapeHtml(machine.cpu)}, ${machine.memoryGb} GB, ${escapeHtml(machine.system)}; Node ${escapeHtml(machine.node)};
${escapeHtml(machine.java)}. One durable write takes ${plain(machine.syncMs)} ms. Load before: ${plain(machine.loadPerCore)} per core;
the host kept ${plain(report.stolenPercent)} % of the time for others.
Everything, with the load generator, shares this machine. Medians; ± is the distance between the quartiles.</p>
${verdicts.length > 0 ? `<h2>Goals</h2>${table(['goal', 'measured', 'must', 'aim', 'reached'], verdictRows(report))}` : ''}
${sections
  .map(({ name, about }) => {
    const of = <Of extends { section: string }>(all: Of[]) => all.filter(({ section }) => section === name)
    return `<h2>${escapeHtml(name)}</h2><p>${escapeHtml(about)}</p>
${table(['measure', 'figure', 'median', 'runs'], of(measures).map(measureRow))}
<div class="plots">${of(plots).map(drawPlot).join('')}</div>
<ul>${of(notes)
      .map(({ text }) => `<li>${escapeHtml(text)}</li>`)
      .join('')}</ul>`
  })
  .join('\n')}
</html>
`
}

const verdictRows = ({ verdicts }: Report): string[][] =>
  verdicts.map(({ about, value, unit, must, aim, reached }) => [
    escapeHtml(about),
    value === undefined ? 'not to be quoted' : `${plain(value)} ${unit}`,
    String(must),
    String(aim),
    `<b class="${reached}">${reached}</b>`,
  ])

const measureRow = (measure: Measure): string[] => [
  escapeHtml(measure.scenario),
  escapeHtml(measure.figure),
  quoted(measure),
  measure.values.map(plain).join(' · '),
]

const table = (head: string[], rows: string[][]): string => {
  if (rows.length === 0) return ''
  const line = (cell: string, cells: string[]) =>
    `<tr>${cells.map(content => `<${cell}>${content}</${cell}>`).join('')}</tr>`
  return `<table>${line('th', head)}${rows.map(cells => line('td', cells)).join('')}</table>`
}

const style = `
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
td, th { padding: .2rem .8rem .2rem 0; text-align: left; border-bottom: 1px solid #8884; }
.plots { display: flex; flex-wrap: wrap; gap: 1rem; }
figure { margin: 1rem 0; } figcaption { font-weight: 600; }
svg { font: 11px system-ui, sans-serif; fill: currentColor; overflow: visible; }
.aim { color: #1a7f37; } .must { color: #9a6700; } .missed { color: #cf222e; }`

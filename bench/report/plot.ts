import { plain } from '../harness/measure.ts'
import type { Plot, Series } from '../harness/results.ts'
import { escapeHtml } from './html.ts'

const width = 480
const height = 260
const margin = { left: 60, right: 10, top: 10, bottom: 40 }
const colours = ['#0969da', '#bc4c00', '#1a7f37', '#8250df', '#cf222e', '#6e7781']
const ticks = 5

/** Lines through the medians, with a bar from the worst run to the best; y begins at 0. */
export function drawPlot({ title, xLabel, yLabel, isXLogarithmic, series }: Plot): string {
  const points = series.flatMap(({ points }) => points)
  if (points.length === 0) return ''
  const xs = points.map(({ x }) => x)
  const yMax = Math.max(...points.map(({ y, high }) => high ?? y)) || 1
  const scaleX = isXLogarithmic ? Math.log : (x: number) => x
  const [xMin, xMax] = [scaleX(Math.min(...xs)), scaleX(Math.max(...xs))]
  const placeX = (x: number) =>
    margin.left + ((scaleX(x) - xMin) / (xMax - xMin || 1)) * (width - margin.left - margin.right)
  const placeY = (y: number) => height - margin.bottom - (y / yMax) * (height - margin.top - margin.bottom)
  const onAxis = isXLogarithmic ? [...new Set(xs)] : evenly(Math.min(...xs), Math.max(...xs))
  return `<figure><figcaption>${escapeHtml(title)}</figcaption>
<svg width="${width}" height="${height}" role="img" aria-label="${escapeHtml(title)}">
${evenly(0, yMax)
  .map(
    y =>
      `<path d="M${margin.left} ${placeY(y)}H${width - margin.right}" stroke="#8884"/><text x="${margin.left - 6}" y="${placeY(y) + 4}" text-anchor="end">${plain(y)}</text>`,
  )
  .join('')}
${onAxis.map(x => `<text x="${placeX(x)}" y="${height - margin.bottom + 16}" text-anchor="middle">${plain(x)}</text>`).join('')}
<text x="${width / 2}" y="${height - 4}" text-anchor="middle">${escapeHtml(xLabel)}</text>
<text transform="translate(12 ${height / 2}) rotate(-90)" text-anchor="middle">${escapeHtml(yLabel)}</text>
${series.map((one, index) => drawSeries(one, colours[index % colours.length]!, placeX, placeY)).join('')}
</svg>
<div>${series.map(({ name }, index) => `<span style="color:${colours[index % colours.length]}">■</span> ${escapeHtml(name)} `).join('')}</div></figure>`
}

function drawSeries(
  { points }: Series,
  colour: string,
  placeX: (x: number) => number,
  placeY: (y: number) => number,
): string {
  const line = points.map(({ x, y }) => `${placeX(x).toFixed(1)},${placeY(y).toFixed(1)}`).join(' ')
  const bars = points.map(({ x, low, high }) =>
    low === undefined || high === undefined ? '' : `<path d="M${placeX(x)} ${placeY(low)}V${placeY(high)}"/>`,
  )
  // Of a long series only the line can be seen.
  const marks =
    points.length > 40
      ? []
      : points.map(({ x, y }) => `<circle cx="${placeX(x)}" cy="${placeY(y)}" r="2.5" fill="${colour}"/>`)
  return `<g stroke="${colour}" fill="none" stroke-width="1.5"><polyline points="${line}"/>${bars.join('')}${marks.join('')}</g>`
}

const evenly = (from: number, to: number): number[] =>
  Array.from({ length: ticks }, (_, index) => from + ((to - from) * index) / (ticks - 1))

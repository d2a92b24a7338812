import './known-language.ts'
import { useEffect, useRef } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { moment } from '../time/time.ts'
import { timeRange } from './time-range.ts'
import './chart.css'

type Props = {
  label: string
  /** Seconds since 1970, ascending. */
  at: number[]
  series: (number | null)[][]
  /** A custom property for each series. */
  colors: string[]
  height: number
  stepped?: boolean
  /** Marks each value, where a line alone would not show one between two gaps. */
  dotted?: boolean
  format?: (value: number) => string
}

const compact = new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 })

/** A small chart on a canvas. It takes the theme's colours as they are when it draws, so both themes fit. */
export function Chart({
  label,
  at,
  series,
  colors,
  height,
  stepped = false,
  dotted = false,
  format = compact.format,
}: Props) {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot>(undefined)
  const latest = useRef<uPlot.AlignedData>([at, ...series])
  latest.current = [at, ...series]
  const settings = useRef({ colors, height, stepped, dotted, format })

  useEffect(() => {
    const element = place.current
    if (!element) return
    const made = new uPlot(options(element, settings.current), latest.current, element)
    plot.current = made
    const redraw = () => made.redraw()
    const sized = new ResizeObserver(() => {
      if (element.clientWidth > 0)
        made.setSize({ width: element.clientWidth, height: settings.current.height })
    })
    sized.observe(element)
    const scheme = window.matchMedia('(prefers-color-scheme: dark)')
    scheme.addEventListener('change', redraw)
    const themed = new MutationObserver(redraw)
    themed.observe(document.documentElement, { attributeFilter: ['data-theme'] })
    return () => {
      sized.disconnect()
      scheme.removeEventListener('change', redraw)
      themed.disconnect()
      made.destroy()
    }
  }, [])
  // biome-ignore lint/correctness/useExhaustiveDependencies: `latest` holds what these two are
  useEffect(() => plot.current?.setData(latest.current), [at, series])

  return <div ref={place} className="chart" role="img" aria-label={label} style={{ height }} />
}

type Drawn = Pick<Props, 'colors' | 'height'> & {
  stepped: boolean
  dotted: boolean
  format: (value: number) => string
}

function options(element: HTMLElement, { colors, height, stepped, dotted, format }: Drawn): uPlot.Options {
  const color = (name: string) => () => colorOf(element, name)
  const axis = {
    stroke: color('--muted'),
    grid: { stroke: color('--line'), width: 1 },
    ticks: { show: false },
    font: '11px "Geist Variable", system-ui, sans-serif',
  }
  return {
    width: Math.max(1, element.clientWidth),
    height,
    padding: [8, 24, 0, 0],
    cursor: { show: false },
    legend: { show: false },
    scales: {
      // What is handed in as the range of one point is a day, so the data itself is asked.
      x: { range: plot => timeRange(plot.data[0]) },
      y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.15 : 1] },
    },
    axes: [
      { ...axis, grid: { show: false }, space: 90, size: 24, values: (_plot, times) => times.map(timeWords) },
      { ...axis, values: (_plot, values) => values.map(format), size: 52, space: 34, incrs: wholeSteps },
    ],
    series: [
      {},
      ...colors.map(name => ({
        stroke: color(name),
        width: 1.75,
        points: { show: dotted, size: 4 },
        ...(stepped && uPlot.paths.stepped && { paths: uPlot.paths.stepped({ align: 1 }) }),
      })),
    ],
  }
}

/** Half an order does not exist. */
const wholeSteps = Array.from({ length: 15 }, (_, power) => [1, 2, 5].map(step => step * 10 ** power)).flat()

const timeWords = (seconds: number): string => moment(new Date(seconds * 1_000))

/** A canvas knows no custom properties, so an element is asked what the colour is here and now. */
function colorOf(element: HTMLElement, name: string): string {
  element.style.color = `var(${name})`
  const color = getComputedStyle(element).color
  element.style.color = ''
  return color
}

import { median, spreadPercent } from './statistics.ts'

/** What a figure is measured in, and how far its runs may lie apart before nobody should quote it. */
export type FigureKind = {
  unit: string
  better: 'higher' | 'lower'
  spreadPercentMax: number
}

export const rate = (unit: string): FigureKind => ({ unit, better: 'higher', spreadPercentMax: 15 })
/** The middle of a distribution. */
export const middleMs: FigureKind = { unit: 'ms', better: 'lower', spreadPercentMax: 25 }
/** Its end, which a few requests make. */
export const tailMs: FigureKind = { unit: 'ms', better: 'lower', spreadPercentMax: 50 }
/** Counts and sizes: they hardly vary, or something else was counted. */
export const amount = (unit: string, spreadPercentMax = 15): FigureKind => ({
  unit,
  better: 'lower',
  spreadPercentMax,
})

/** One figure of one scenario, with all its runs. */
export type Measure = {
  section: string
  scenario: string
  figure: string
  unit: string
  better: 'higher' | 'lower'
  values: number[]
  median: number
  spreadPercent: number
  /** False where the runs lie too far apart: the reports then show no figure. */
  isQuotable: boolean
}

export type Series = { name: string; points: { x: number; y: number; low?: number; high?: number }[] }
export type Plot = {
  section: string
  title: string
  xLabel: string
  yLabel: string
  isXLogarithmic?: boolean
  series: Series[]
}

export type Note = { section: string; text: string }

export function measureOf(
  place: { section: string; scenario: string; figure: string },
  { unit, better, spreadPercentMax }: FigureKind,
  values: number[],
): Measure {
  const spread = spreadPercent(values)
  return {
    ...place,
    unit,
    better,
    values,
    median: median(values),
    spreadPercent: spread,
    isQuotable: values.length > 0 && values.every(Number.isFinite) && spread <= spreadPercentMax,
  }
}

/** A point of a plot, with the best and the worst run. */
export const pointOf = (x: number, { median: y, values }: Measure): Series['points'][number] => ({
  x,
  y,
  low: Math.min(...values),
  high: Math.max(...values),
})

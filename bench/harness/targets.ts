import type { Measure } from './results.ts'

/** A figure by name: section/scenario/figure. */
export type FigureName = `${string}/${string}/${string}`

/** What must be reached: one figure, or one over another of the same run. */
export type Target = {
  about: string
  of: FigureName
  over?: FigureName
  must: number
  aim: number
}

export type Verdict = Target & {
  /** Undefined where it was not measured or is not to be quoted. */
  value: number | undefined
  unit: string
  reached: 'aim' | 'must' | 'missed' | 'unknown'
}

/** Those of which something was measured. */
export function judge(targets: readonly Target[], measures: readonly Measure[]): Verdict[] {
  const find = (name: FigureName | undefined) =>
    measures.find(({ section, scenario, figure }) => `${section}/${scenario}/${figure}` === name)
  return targets.flatMap(target => {
    const of = find(target.of)
    const over = find(target.over)
    if (!of || (target.over && !over)) return []
    const isKnown = of.isQuotable && (over?.isQuotable ?? true)
    const value = isKnown ? of.median / (over?.median ?? 1) : undefined
    const reaches = (bound: number) =>
      value !== undefined && (of.better === 'higher' ? value >= bound : value <= bound)
    const reached =
      value === undefined ? 'unknown' : reaches(target.aim) ? 'aim' : reaches(target.must) ? 'must' : 'missed'
    return [{ ...target, value, unit: over ? '×' : of.unit, reached } satisfies Verdict]
  })
}

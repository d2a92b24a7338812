import { type FigureKind, type Measure, measureOf } from './results.ts'
import type { Scenario } from './section.ts'

export type Rounds = {
  /** Runs of each scenario. */
  runs: number
  /** Where the spread is still too wide. */
  runsMax: number
  say(line: string): void
}

/** Runs the scenarios in turns and answers a measure for each figure of each. */
export async function measureInTurns(
  section: string,
  scenarios: readonly Scenario[],
  { runs, runsMax, say }: Rounds,
): Promise<Measure[]> {
  const values = new Map(scenarios.map(scenario => [scenario, new Map<string, number[]>()]))
  const summary = (scenario: Scenario): Measure[] =>
    Object.entries(scenario.figures).map(([figure, kind]) =>
      measureOf({ section, scenario: scenario.name, figure }, kind, values.get(scenario)?.get(figure) ?? []),
    )
  const isSettled = (scenario: Scenario) => summary(scenario).every(({ isQuotable }) => isQuotable)

  for (const { name, once, warmUps = 1 } of scenarios) {
    for (let warmUp = 1; warmUp <= warmUps; warmUp++) {
      say(`  ${name}: warming up${warmUps > 1 ? ` (${warmUp} of ${warmUps})` : ''}`)
      await once()
    }
  }
  for (let run = 1; run <= runsMax; run++) {
    const due = run <= runs ? scenarios : scenarios.filter(scenario => !isSettled(scenario))
    for (const scenario of due) {
      const figures = await scenario.once()
      for (const [figure, value] of Object.entries(figures)) {
        const of = values.get(scenario)!
        of.set(figure, [...(of.get(figure) ?? []), value])
      }
      say(`  ${scenario.name}: ${describe(figures, scenario.figures)}  (run ${run})`)
    }
  }
  return scenarios.flatMap(summary)
}

const describe = (figures: Record<string, number>, kinds: Record<string, FigureKind>): string =>
  Object.entries(figures)
    .map(([name, value]) => `${name} ${plain(value)} ${kinds[name]?.unit ?? ''}`)
    .join(', ')

/** Three significant figures, and whole thousands. */
export function plain(value: number): string {
  if (!Number.isFinite(value)) return '–'
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return value.toLocaleString('en-US', { maximumFractionDigits: digits })
}

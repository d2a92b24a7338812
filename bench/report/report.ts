import type { Machine } from '../harness/machine.ts'
import type { Extent } from '../harness/options.ts'
import type { Measure, Note, Plot } from '../harness/results.ts'
import type { Verdict } from '../harness/targets.ts'

/** Everything one run of the benchmark found; result.json is this. */
export type Report = {
  startedAt: string
  minutes: number
  extent: Extent
  machine: Machine
  /** Of all time of the machine's cores during the run, what its host gave to others. */
  stolenPercent: number
  sections: { name: string; about: string }[]
  measures: Measure[]
  plots: Plot[]
  notes: Note[]
  verdicts: Verdict[]
}

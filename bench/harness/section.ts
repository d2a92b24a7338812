import type { Extent } from './options.ts'
import type { FigureKind, Measure, Plot } from './results.ts'
import type { Servers } from './servers.ts'

/** A part of the benchmark, to be chosen with --section. */
export type Section = {
  name: string
  /** What it measures, in one sentence; stands above its table. */
  about: string
  /** Run only when it is named. */
  isOptional?: boolean
  /** PostgreSQL then runs with wal_level = logical, for this section and those that run with it. */
  needsLogicalWal?: boolean
  run(bench: Bench): Promise<void>
}

/** Measured over and over; `once` is one run and answers every figure. */
export type Scenario<Figure extends string = string> = {
  name: string
  figures: Record<Figure, FigureKind>
  once(): Promise<Record<Figure, number>>
  /** Runs that are not counted, before all others; default 1. */
  warmUps?: number
}

/** What a section is given. */
export type Bench = {
  extent: Extent
  /** The value for this extent. `usual` is what must fit into half an hour, all sections together. */
  choose<Value>(values: { quick: Value; usual: Value; long?: Value }): Value
  /** Durable PostgreSQL and Kafka of the benchmark's own, empty at first; all sections share them. */
  servers: Servers
  /**
   * Runs the scenarios in turns (a, b, c, a, b, c, …), so that what disturbs the machine for a while disturbs all of
   * them. Goes on past the usual number of runs where a figure's runs lie too far apart, up to a bound.
   */
  measure(...scenarios: Scenario[]): Promise<void>
  /** What `measure` cannot repeat, such as the windows of one long run. */
  record(scenario: string, figures: Record<string, { kind: FigureKind; values: number[] }>): void
  /** One that was measured before, in this section. Throws where there is none. */
  result(scenario: string, figure: string): Measure
  plot(plot: Omit<Plot, 'section'>): void
  /** A sentence for the reports. */
  note(text: string): void
  /** Progress for the person who waits. */
  say(line: string): void
}

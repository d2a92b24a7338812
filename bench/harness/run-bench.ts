import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { claimRun } from 'scripts/infrastructure/run-record'
import type { Report } from '../report/report.ts'
import { writeReport } from '../report/write-report.ts'
import { describeMachine, quietLoadPerCore, stolenTicks } from './machine.ts'
import { measureInTurns, plain } from './measure.ts'
import type { BenchOptions } from './options.ts'
import { measureOf } from './results.ts'
import type { Bench, Section } from './section.ts'
import { type Servers, startServers } from './servers.ts'
import { judge, type Target } from './targets.ts'

const runsOf = { quick: 2, usual: 3, long: 5 }
/** More runs than asked for, where the spread is too wide. */
const extraRunsMax = { quick: 0, usual: 4, long: 6 }
const orphanStopMsMax = 10_000

type Settings = { options: BenchOptions; sections: Section[]; targets: Target[]; folder: string }

/** Answers the exit code: 1 where a section failed. What the others measured is written all the same. */
export async function runBench({ options, sections, targets, folder }: Settings): Promise<number> {
  mkdirSync(folder, { recursive: true })
  const claim = await claimRun(join(folder, 'run.json'), null, orphanStopMsMax)
  if (claim.kind === 'running') {
    console.log(
      `A benchmark runs already (pid ${claim.state.owner.pid}); two at once would measure each other.`,
    )
    return 1
  }
  const { record } = claim
  const began = performance.now()
  const say = (line: string) => console.log(`${clock(performance.now() - began)} ${line}`)
  const serverFolder = join(folder, 'servers')
  rmSync(serverFolder, { recursive: true, force: true })
  const chosen = sections.filter(({ name }) => options.sections.includes(name))
  const machine = await describeMachine(folder)
  const ticks = stolenTicks()
  const report: Report = {
    startedAt: new Date().toISOString(),
    minutes: 0,
    extent: options.extent,
    machine,
    stolenPercent: 0,
    sections: chosen.map(({ name, about }) => ({ name, about })),
    measures: [],
    plots: [],
    notes: [],
    verdicts: [],
  }
  say(
    `${machine.cores} cores of ${machine.cpu}, ${machine.memoryGb} GB; one durable write takes ${plain(machine.syncMs)} ms`,
  )
  if (machine.loadPerCore > quietLoadPerCore) {
    say(
      `The machine is not quiet (load ${plain(machine.loadPerCore)} per core): end what else runs, or trust no figure.`,
    )
  }

  let servers: Servers | undefined
  const stopping = new AbortController()
  const stop = async () => {
    await servers?.stop()
    rmSync(serverFolder, { recursive: true, force: true })
    record.delete()
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, async () => {
      if (stopping.signal.aborted) return
      stopping.abort()
      say('Stopping.')
      await stop()
      process.exit(130)
    })
  }

  let failed = 0
  try {
    say('Starting PostgreSQL and Kafka')
    servers = await startServers({
      folder: serverFolder,
      walLevel: chosen.some(({ needsLogicalWal }) => needsLogicalWal) ? 'logical' : 'replica',
      track: daemon => {
        daemon.onSpawn = pid => record.add(daemon.options.logFile, pid, daemon.options.stopSignal)
      },
      say,
    })
    for (const section of chosen) {
      say(`${section.name}: ${section.about}`)
      try {
        await section.run(benchFor(section.name, servers, options, report, say))
      } catch (error) {
        if (stopping.signal.aborted) break
        failed++
        say(`${section.name} was given up: ${(error as Error).stack}`)
        report.notes.push({ section: section.name, text: `Given up: ${(error as Error).message}` })
      }
    }
  } finally {
    if (!stopping.signal.aborted) await stop()
  }
  const now = stolenTicks()
  report.stolenPercent = (100 * (now.stolen - ticks.stolen)) / Math.max(1, now.all - ticks.all)
  report.minutes = (performance.now() - began) / 60_000
  report.verdicts = judge(targets, report.measures)
  for (const line of writeReport(report, folder)) say(line)
  return failed > 0 ? 1 : 0
}

function benchFor(
  section: string,
  servers: Servers,
  { extent, runs }: BenchOptions,
  { measures, plots, notes }: Report,
  say: (line: string) => void,
): Bench {
  const wanted = runs ?? runsOf[extent]
  return {
    extent,
    servers,
    choose: values => (extent === 'long' ? (values.long ?? values.usual) : values[extent]),
    async measure(...scenarios) {
      const runsMax = wanted + (runs ? 0 : extraRunsMax[extent])
      measures.push(...(await measureInTurns(section, scenarios, { runs: wanted, runsMax, say })))
    },
    record(scenario, figures) {
      for (const [figure, { kind, values }] of Object.entries(figures)) {
        const measure = measureOf({ section, scenario, figure }, kind, values)
        measures.push(measure)
        say(`  ${scenario}: ${figure} ${plain(measure.median)} ${kind.unit}`)
      }
    },
    result(scenario, figure) {
      const found = measures.find(
        measure => measure.section === section && measure.scenario === scenario && measure.figure === figure,
      )
      if (!found) throw new Error(`${section} has not measured ${figure} of ${scenario}.`)
      return found
    },
    plot: plot => plots.push({ section, ...plot }),
    note: text => notes.push({ section, text }),
    say: line => say(`  ${line}`),
  }
}

const clock = (ms: number): string => {
  const seconds = Math.floor(ms / 1000)
  return `${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}`
}

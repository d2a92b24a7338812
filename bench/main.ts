import { join } from 'node:path'
import { optionsOrExit } from 'scripts/command-line'
import { projectFolder } from 'scripts/system/settings'
import { parseBenchOptions } from './harness/options.ts'
import { runBench } from './harness/run-bench.ts'
import { sections } from './sections.ts'
import { targets } from './targets.ts'

const options = optionsOrExit(parseBenchOptions(process.argv.slice(2), sections))
process.exit(await runBench({ options, sections, targets, folder: join(projectFolder, '.data/bench') }))

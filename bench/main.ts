import { join } from 'node:path'
import { projectFolder } from 'scripts/system/settings'
import { parseBenchOptions } from './harness/options.ts'
import { runBench } from './harness/run-bench.ts'
import { sections } from './sections.ts'
import { targets } from './targets.ts'

const parsed = parseBenchOptions(process.argv.slice(2), sections)
if (parsed.kind !== 'options') {
  console.log(parsed.text)
  process.exit(parsed.kind === 'help' ? 0 : 2)
}
process.exit(
  await runBench({ options: parsed.options, sections, targets, folder: join(projectFolder, '.data/bench') }),
)

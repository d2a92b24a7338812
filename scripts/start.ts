import { optionsOrExit } from './command-line.ts'
import { parseStartOptions } from './system/options.ts'
import { runSystem } from './system/run-system.ts'

await runSystem(optionsOrExit(parseStartOptions(process.argv.slice(2))))

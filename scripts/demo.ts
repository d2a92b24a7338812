import { optionsOrExit } from './command-line.ts'
import { parseDemoOptions } from './demo/demo-options.ts'
import { runDemo } from './demo/run-demo.ts'
import { loadEnvironmentFile } from './system/settings.ts'

loadEnvironmentFile()
process.exit(await runDemo(optionsOrExit(parseDemoOptions(process.argv.slice(2), process.env))))

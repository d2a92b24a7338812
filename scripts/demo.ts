import { demoOptionsOrExit } from './demo/demo-options.ts'
import { runDemo } from './demo/run-demo.ts'
import { loadEnvironmentFile } from './system/settings.ts'

loadEnvironmentFile()
process.exit(await runDemo(demoOptionsOrExit()))

import { replayOptionsOrExit } from './replay/options.ts'
import { runReplay } from './replay/run.ts'
import { loadEnvironmentFile } from './system/settings.ts'

loadEnvironmentFile()
process.exit(await runReplay(replayOptionsOrExit()))

import { userInfo } from 'node:os'
import { optionsOrExit } from './command-line.ts'
import { parseReplayOptions } from './replay/options.ts'
import { runReplay } from './replay/run.ts'
import { loadEnvironmentFile } from './system/settings.ts'

loadEnvironmentFile()
process.exit(await runReplay(optionsOrExit(parseReplayOptions(process.argv.slice(2), userInfo().username))))

import { userInfo } from 'node:os'
import { optionsOrExit } from './command-line.ts'
import { parseDeadLetterOptions } from './dead-letters/options.ts'
import { runDeadLetters } from './dead-letters/run.ts'
import { loadEnvironmentFile } from './system/settings.ts'

loadEnvironmentFile()
const options = optionsOrExit(parseDeadLetterOptions(process.argv.slice(2), userInfo().username))
process.exit(await runDeadLetters(options))

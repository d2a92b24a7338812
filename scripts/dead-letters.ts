import { deadLetterOptionsOrExit } from './dead-letters/options.ts'
import { runDeadLetters } from './dead-letters/run.ts'
import { loadEnvironmentFile } from './system/settings.ts'

loadEnvironmentFile()
process.exit(await runDeadLetters(deadLetterOptionsOrExit()))

import { parseAuditOptions, runAudit } from './audit/run-audit.ts'
import { optionsOrExit } from './command-line.ts'
import { loadEnvironmentFile } from './system/settings.ts'

loadEnvironmentFile()
process.exit(await runAudit(optionsOrExit(parseAuditOptions(process.argv.slice(2))), process.env))

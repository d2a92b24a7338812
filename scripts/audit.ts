import { runAudit } from './audit/run-audit.ts'
import { loadEnvironmentFile } from './system/settings.ts'

loadEnvironmentFile()
process.exit(await runAudit(process.argv.slice(2), process.env))

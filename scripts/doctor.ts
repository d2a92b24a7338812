import { optionsOrExit } from './command-line.ts'
import { parseDoctorOptions } from './doctor/options.ts'
import { runDoctor } from './doctor/run.ts'
import { loadEnvironmentFile } from './system/settings.ts'

loadEnvironmentFile()
process.exit(await runDoctor(optionsOrExit(parseDoctorOptions(process.argv.slice(2), process.env))))

import { optionsOrExit } from './command-line.ts'
import { parseDevOptions } from './system/options.ts'
import { runSystem } from './system/run-system.ts'
import { watchSources } from './system/watch-sources.ts'

optionsOrExit(parseDevOptions(process.argv.slice(2)))
// The UI's own server then reloads the browser by itself.
await runSystem({ showAll: true, withUi: true, env: { DEV: 'true' }, whenHealthy: watchSources })

import { runSystem } from './system/run-system.ts'
import { watchSources } from './system/watch-sources.ts'

// The UI's own server then reloads the browser by itself.
await runSystem({ showAll: true, withUi: true, env: { DEV: 'true' }, whenHealthy: watchSources })

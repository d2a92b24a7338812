import { parseArgs } from 'node:util'
import { runSystem } from './system/run-system.ts'

const { values } = parseArgs({
  options: {
    verbose: { type: 'boolean', default: false },
    'no-ui': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) {
  console.log(`npm start [-- --verbose --no-ui]

Starts PostgreSQL, Kafka, the services and the UI, and keeps them running until Ctrl-C or npm stop.
  --verbose  show every log line, not only warnings and errors
  --no-ui    without the page in the browser
Configuration comes from the environment and from .env; .env.example lists all of it.`)
} else {
  await runSystem({ showAll: values.verbose, withUi: !values['no-ui'] })
}

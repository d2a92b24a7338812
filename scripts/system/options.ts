import { type Parsed, parseCommandLine, tooMuch } from '../command-line.ts'

export type StartOptions = { showAll: boolean; withUi: boolean }

const startUsage = `npm start [-- --verbose --no-ui]

Starts PostgreSQL, Kafka, the services and the UI, and keeps them running until Ctrl-C or npm stop.
  --verbose  show every log line, not only warnings and errors
  --no-ui    without the page in the browser
Configuration comes from the environment and from .env; .env.example lists all of it.`

const devUsage = `npm run dev

The same as npm start -- --verbose, with restart on change.`

const stopUsage = `npm stop

Ends what npm start or npm run dev runs, from another terminal. Data is kept.`

const startFlags = { verbose: { type: 'boolean' }, 'no-ui': { type: 'boolean' } } as const

export const parseStartOptions = (args: string[]): Parsed<StartOptions> =>
  parseCommandLine(args, { flags: startFlags, usage: startUsage }, (given, words) =>
    withoutWords(words, { showAll: given.verbose === true, withUi: given['no-ui'] !== true }),
  )

export const parseDevOptions = (args: string[]): Parsed<undefined> => parseNothing(args, devUsage)
export const parseStopOptions = (args: string[]): Parsed<undefined> => parseNothing(args, stopUsage)

const parseNothing = (args: string[], usage: string): Parsed<undefined> =>
  parseCommandLine(args, { flags: {}, usage }, (_, words) => withoutWords(words, undefined))

function withoutWords<Options>(words: string[], options: Options): Parsed<Options> {
  const mistake = tooMuch(words)
  return mistake ? { kind: 'mistake', text: mistake } : { kind: 'options', options }
}

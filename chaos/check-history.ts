import { readFileSync } from 'node:fs'
import { CommonConfig, ConfigError, parseConfig } from 'edge/config'
import { databaseAddress, databaseConfig } from 'edge/postgres'
import { optionsOrExit, parseCommandLine } from 'scripts/command-line'
import { loadEnvironmentFile, readSettings } from 'scripts/system/settings'
import { Type } from 'typebox'
import { check } from './checker/check.ts'
import { readState } from './checker/read-state.ts'
import type { FinalState } from './checker/state.ts'
import { readHistory } from './load/history.ts'
import { describeViolation } from './report.ts'

const usage = `npm run check-history -- history.jsonl … [--state state.json]

Reads what was asked for and answered, compares it with what there is in the end, and names what was lost, doubled,
out of order or stuck. What there is: read from databases and topics, which the same variables name as for npm start,
or from a file. Both formats are in docs/checker.md.

Ends with 0 where all is well, 1 where not, 2 where that cannot be told.`

const Where = Type.Object({
  ...CommonConfig,
  ...databaseConfig('ORDERS', 'orders'),
  ...databaseConfig('PAYMENTS', 'payments'),
})
const shownMax = 50

const { files, stateFile } = optionsOrExit(
  parseCommandLine(
    process.argv.slice(2),
    { flags: { state: { type: 'string' } }, usage },
    ({ state: stateFile }, files) =>
      files.length > 0
        ? { kind: 'options', options: { files, stateFile } }
        : { kind: 'mistake', text: 'Name the history.' },
  ),
)
try {
  process.exit(await main())
} catch (error) {
  console.log(`Not checked. ${(error as Error).message}`)
  process.exit(2)
}

async function main(): Promise<number> {
  const history = readHistory(files)
  const users = [...new Set(history.attempts.map(({ user }) => user))]
  const state = stateFile
    ? (JSON.parse(readFileSync(stateFile, 'utf8')) as FinalState)
    : await readRunning(users)
  const violations = check(history, state)
  for (const violation of violations.slice(0, shownMax)) console.log(describeViolation(violation))
  if (violations.length > shownMax) console.log(`… and ${violations.length - shownMax} more`)
  console.log(
    `${history.attempts.length} requests of ${users.length} users, ${state.orders.length} orders, ${state.payments.length} payments: ` +
      (violations.length === 0 ? 'all is well.' : `${violations.length} violations.`),
  )
  return violations.length === 0 ? 0 : 1
}

async function readRunning(users: number[]): Promise<FinalState> {
  loadEnvironmentFile()
  try {
    const config = parseConfig(Where, readSettings(process.env).env)
    const databases = {
      orders: databaseAddress(config, 'ORDERS'),
      payments: databaseAddress(config, 'PAYMENTS'),
    }
    return await readState(databases, config.KAFKA_BROKERS.split(','), users)
  } catch (error) {
    if (error instanceof ConfigError) throw error
    throw new Error(
      `The databases or topics could not be read: ${(error as Error).message}. Is the system running? Or name a --state file.`,
    )
  }
}

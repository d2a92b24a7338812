import { type Parsed, parseCommandLine, tooMuch } from '../command-line.ts'

type Env = Record<string, string | undefined>
/** `env` says where all is: what was given, on top of the environment. */
export type DoctorOptions = { env: Env; asJson: boolean }

const usage = `npm run doctor -- [--json]

Looks at a running installation and tells what is wrong or will be, what that means, and what to do next.
Without more it looks at what npm start runs, or where the environment or .env says. Any other:
  --orders-db URL, --payments-db URL         postgres://user:password@host:port/database
  --brokers HOST:PORT,…                      of Kafka
  --gateway URL, --orders URL, --payments URL

  --longest-stop 3d   for how long a consumer may stand still, say over a long weekend
  --json              for machines

Ends with 0 where nothing is broken (there may be advice), 1 where something is, 2 where it was not told how to look.
docs/doctor.md tells of each check.`

const flags = {
  'orders-db': { type: 'string' },
  'payments-db': { type: 'string' },
  brokers: { type: 'string' },
  gateway: { type: 'string' },
  orders: { type: 'string' },
  payments: { type: 'string' },
  'longest-stop': { type: 'string' },
  json: { type: 'boolean' },
} as const

export const parseDoctorOptions = (args: string[], env: Env): Parsed<DoctorOptions> =>
  parseCommandLine(args, { flags, usage }, (given, words) => {
    const mistakes = [
      tooMuch(words),
      ...(['orders-db', 'payments-db'] as const).map(
        name =>
          given[name] !== undefined &&
          !databaseVariables('', given[name]) &&
          `--${name} must be postgres://user:password@host:port/database.`,
      ),
      ...(['gateway', 'orders', 'payments'] as const).map(
        name =>
          given[name] !== undefined &&
          !/^https?:\/\/[^/]+\/?$/.test(given[name]) &&
          `--${name} is "${given[name]}"; write http://host:port`,
      ),
    ].filter(mistake => mistake !== false)
    if (mistakes.length > 0) return { kind: 'mistake', text: mistakes.join('\n') }
    const url = (text: string | undefined) => text?.replace(/\/$/, '')
    const said = {
      ...databaseVariables('ORDERS', given['orders-db']),
      ...databaseVariables('PAYMENTS', given['payments-db']),
      KAFKA_BROKERS: given.brokers,
      GATEWAY_URL: url(given.gateway),
      ORDERS_URL: url(given.orders),
      PAYMENTS_URL: url(given.payments),
      LONGEST_STOP: given['longest-stop'],
    }
    const known = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined))
    return { kind: 'options', options: { env: { ...env, ...known }, asJson: given.json === true } }
  })

function databaseVariables(prefix: string, text: string | undefined): Env | undefined {
  if (text === undefined || !URL.canParse(text)) return undefined
  const { protocol, hostname, port, username, password, pathname } = new URL(text)
  if (!/^postgres(ql)?:$/.test(protocol) || !hostname || !username || pathname.length < 2) return undefined
  return {
    [`${prefix}_DB_HOST`]: hostname,
    [`${prefix}_DB_PORT`]: port || '5432',
    [`${prefix}_DB_NAME`]: decodeURIComponent(pathname.slice(1)),
    [`${prefix}_DB_USER`]: decodeURIComponent(username),
    [`${prefix}_DB_PASSWORD`]: decodeURIComponent(password),
  }
}

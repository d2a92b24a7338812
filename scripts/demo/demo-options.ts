import { parseArgs } from 'node:util'

export type DemoOptions = {
  gatewayUrl: string
  orders: number
  accounts: number
  /** Orders a second; 0 is as fast as possible. */
  rate: number
  concurrency: number
  /** How long after the last order was placed all must be settled. */
  settleSecondsMax: number
}

const numbers = {
  orders: { fallback: 2000, min: 1, max: 1_000_000, about: 'orders to place' },
  accounts: { fallback: 50, min: 1, max: 10_000, about: 'accounts that place them' },
  rate: { fallback: 0, min: 0, max: 100_000, about: 'orders a second; 0 places as fast as possible' },
  concurrency: { fallback: 32, min: 1, max: 512, about: 'requests under way at once' },
  timeout: {
    fallback: 60,
    min: 1,
    max: 3600,
    about: 'seconds after the last order until all must be settled',
  },
} as const

type NumberName = keyof typeof numbers
const names = Object.keys(numbers) as NumberName[]

const usage = `npm run demo -- [options]

Opens accounts, places orders, follows them until they are settled, and checks that the money adds up.
${names.map(name => `  --${name.padEnd(12)} ${numbers[name].about} (${numbers[name].fallback})`).join('\n')}

GATEWAY_URL names the running system; http://127.0.0.1:8080 if it is not set.`

export function demoOptionsOrExit(): DemoOptions {
  const parsed = parseDemoOptions(process.argv.slice(2), process.env)
  if (parsed.kind === 'options') return parsed.options
  console.log(parsed.text)
  process.exit(parsed.kind === 'help' ? 0 : 2)
}

export type ParsedOptions =
  | { kind: 'options'; options: DemoOptions }
  | { kind: 'help' | 'mistake'; text: string }

export function parseDemoOptions(args: string[], env: Record<string, string | undefined>): ParsedOptions {
  let given: Record<string, string | boolean | undefined>
  try {
    given = parseArgs({
      args,
      options: {
        ...Object.fromEntries(names.map(name => [name, { type: 'string' as const }])),
        help: { type: 'boolean' as const },
      },
    }).values
  } catch (error) {
    return { kind: 'mistake', text: `${(error as Error).message}\n\n${usage}` }
  }
  if (given.help) return { kind: 'help', text: usage }
  const wrong = names.filter(name => given[name] !== undefined && !isWithin(name, String(given[name])))
  if (wrong.length > 0) {
    const lines = wrong.map(
      name =>
        `--${name} is "${given[name]}"; it must be a whole number from ${numbers[name].min} to ${numbers[name].max}.`,
    )
    return { kind: 'mistake', text: lines.join('\n') }
  }
  const value = (name: NumberName) => Number(given[name] ?? numbers[name].fallback)
  const gatewayUrl = env.GATEWAY_URL || `http://127.0.0.1:${env.GATEWAY_PORT || 8080}`
  if (!URL.canParse(gatewayUrl)) return { kind: 'mistake', text: `GATEWAY_URL is "${gatewayUrl}", no URL.` }
  return {
    kind: 'options',
    options: {
      gatewayUrl: gatewayUrl.replace(/\/$/, ''),
      orders: value('orders'),
      accounts: value('accounts'),
      rate: value('rate'),
      concurrency: value('concurrency'),
      settleSecondsMax: value('timeout'),
    },
  }
}

function isWithin(name: NumberName, text: string): boolean {
  return /^\d{1,9}$/.test(text) && Number(text) >= numbers[name].min && Number(text) <= numbers[name].max
}

import { type Parsed, parseCommandLine, tooMuch } from '../command-line.ts'
import { gatewayUrlIn } from '../system/gateway-url.ts'

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

GATEWAY_URL names the running system; without it, what npm start runs.`

const flags = Object.fromEntries(names.map(name => [name, { type: 'string' as const }]))

export const parseDemoOptions = (
  args: string[],
  env: Record<string, string | undefined>,
): Parsed<DemoOptions> =>
  parseCommandLine(args, { flags, usage }, (given, words) => {
    const gatewayUrl = gatewayUrlIn(env)
    const mistakes = [
      tooMuch(words),
      ...names.map(
        name =>
          given[name] !== undefined &&
          !isWithin(name, String(given[name])) &&
          `--${name} is "${given[name]}"; it must be a whole number from ${numbers[name].min} to ${numbers[name].max}.`,
      ),
      !URL.canParse(gatewayUrl) && `GATEWAY_URL is "${gatewayUrl}", no URL.`,
    ].filter(mistake => mistake !== false)
    if (mistakes.length > 0) return { kind: 'mistake', text: mistakes.join('\n') }
    const value = (name: NumberName) => Number(given[name] ?? numbers[name].fallback)
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
  })

function isWithin(name: NumberName, text: string): boolean {
  return /^\d{1,9}$/.test(text) && Number(text) >= numbers[name].min && Number(text) <= numbers[name].max
}

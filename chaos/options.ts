import { randomInt } from 'node:crypto'
import { type Parsed, parseCommandLine, tooMuch } from 'scripts/command-line'

const usage = `npm run chaos -- [--minutes 5] [--seed N] [--rate 20] [--customers 16] [--instances 2]

Starts a system of its own on free ports, breaks it in every way it knows while customers place orders, and checks at
the end of each round that nothing was lost, doubled, out of order or stuck. The report goes to .data/chaos/; a run
that finds something ends with 1 and leaves history, state and logs there. The seed decides what is broken and when.
Ctrl-C ends it after the step under way, with a check and a report.`

const numbers = {
  minutes: { fallback: 5, min: 0, max: 10_000 },
  seed: { fallback: randomInt(1, 1_000_000), min: 0, max: 2 ** 31 },
  rate: { fallback: 20, min: 0.1, max: 10_000 },
  customers: { fallback: 16, min: 1, max: 1_000 },
  instances: { fallback: 2, min: 1, max: 5 },
}
type NumberName = keyof typeof numbers
const names = Object.keys(numbers) as NumberName[]
const flags = Object.fromEntries(names.map(name => [name, { type: 'string' as const }]))

export const parseChaosOptions = (args: string[]): Parsed<Record<NumberName, number>> =>
  parseCommandLine(args, { flags, usage }, (given, words) => {
    const value = (name: NumberName) => Number(given[name] ?? numbers[name].fallback)
    const isWithin = (name: NumberName) =>
      given[name] !== '' && value(name) >= numbers[name].min && value(name) <= numbers[name].max
    const mistakes = [
      tooMuch(words),
      ...names.map(
        name =>
          !isWithin(name) &&
          `--${name} is "${given[name]}"; it must be a number from ${numbers[name].min} to ${numbers[name].max}.`,
      ),
    ].filter(mistake => mistake !== false)
    if (mistakes.length > 0) return { kind: 'mistake', text: mistakes.join('\n') }
    const options = Object.fromEntries(names.map(name => [name, value(name)])) as Record<NumberName, number>
    return { kind: 'options', options }
  })

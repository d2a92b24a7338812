import { type Parsed, parseCommandLine, tooMuch } from 'scripts/command-line'

export type Extent = 'quick' | 'usual' | 'long'
export type BenchOptions = { extent: Extent; sections: string[]; runs: number | undefined }
type Named = { name: string; about: string; isOptional?: boolean }

const runsMax = 25

const flags = {
  section: { type: 'string', multiple: true },
  quick: { type: 'boolean' },
  long: { type: 'boolean' },
  runs: { type: 'string' },
} as const

export const parseBenchOptions = (args: string[], sections: readonly Named[]): Parsed<BenchOptions> =>
  parseCommandLine(args, { flags, usage: usageOf(sections) }, (given, words) => {
    const names = sections.map(({ name }) => name)
    const runs = given.runs === undefined ? undefined : Number(given.runs)
    const mistakes = [
      tooMuch(words),
      ...(given.section ?? []).map(
        name => !names.includes(name) && `There is no section "${name}"; there are ${names.join(', ')}.`,
      ),
      given.quick && given.long && '--quick and --long exclude each other.',
      runs !== undefined &&
        !(Number.isInteger(runs) && runs >= 1 && runs <= runsMax) &&
        `--runs is "${given.runs}"; it must be a whole number from 1 to ${runsMax}.`,
    ].filter(mistake => typeof mistake === 'string')
    if (mistakes.length > 0) return { kind: 'mistake', text: mistakes.join('\n') }
    return {
      kind: 'options',
      options: {
        extent: given.quick ? 'quick' : given.long ? 'long' : 'usual',
        sections: given.section ?? sections.filter(({ isOptional }) => !isOptional).map(({ name }) => name),
        runs,
      },
    }
  })

const usageOf = (sections: readonly Named[]) => `npm run bench -- [options]

Measures on databases, topics and services of its own, which it starts and removes. Leave the machine alone meanwhile.
  --section NAME  only this one; may be given several times
  --quick         few and short runs: to try a change, not to quote
  --long          also what takes long: the largest tables, the longest transactions
  --runs N        runs of each measure (3; --quick 2, --long 5)

Sections:
${sections.map(({ name, about, isOptional }) => `  ${name.padEnd(15)} ${about}${isOptional ? ' Only when named.' : ''}`).join('\n')}`

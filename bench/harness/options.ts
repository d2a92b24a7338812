import { parseArgs } from 'node:util'

export type Extent = 'quick' | 'usual' | 'long'
export type BenchOptions = { extent: Extent; sections: string[]; runs: number | undefined }
type Named = { name: string; about: string; isOptional?: boolean }

export type ParsedOptions =
  | { kind: 'options'; options: BenchOptions }
  | { kind: 'help' | 'mistake'; text: string }

const runsMax = 25

export function parseBenchOptions(args: string[], sections: readonly Named[]): ParsedOptions {
  const usage = usageOf(sections)
  let given: { section?: string[]; quick?: boolean; long?: boolean; runs?: string; help?: boolean }
  try {
    given = parseArgs({
      args,
      options: {
        section: { type: 'string', multiple: true },
        quick: { type: 'boolean' },
        long: { type: 'boolean' },
        runs: { type: 'string' },
        help: { type: 'boolean' },
      },
    }).values
  } catch (error) {
    return { kind: 'mistake', text: `${(error as Error).message}\n\n${usage}` }
  }
  if (given.help) return { kind: 'help', text: usage }
  const mistakes: string[] = []
  const unknown = (given.section ?? []).filter(name => !sections.some(section => section.name === name))
  for (const name of unknown) {
    mistakes.push(`There is no section "${name}"; there are ${sections.map(({ name }) => name).join(', ')}.`)
  }
  if (given.quick && given.long) mistakes.push('--quick and --long exclude each other.')
  const runs = given.runs === undefined ? undefined : Number(given.runs)
  if (runs !== undefined && !(Number.isInteger(runs) && runs >= 1 && runs <= runsMax)) {
    mistakes.push(`--runs is "${given.runs}"; it must be a whole number from 1 to ${runsMax}.`)
  }
  if (mistakes.length > 0) return { kind: 'mistake', text: mistakes.join('\n') }
  return {
    kind: 'options',
    options: {
      extent: given.quick ? 'quick' : given.long ? 'long' : 'usual',
      sections: given.section ?? sections.filter(({ isOptional }) => !isOptional).map(({ name }) => name),
      runs,
    },
  }
}

const usageOf = (sections: readonly Named[]) => `npm run bench -- [options]

Measures on databases, topics and services of its own, which it starts and removes. Leave the machine alone meanwhile.
  --section NAME  only this one; may be given several times
  --quick         few and short runs: to try a change, not to quote
  --long          also what takes long: the largest tables, the longest transactions
  --runs N        runs of each measure (3; --quick 2, --long 5)

Sections:
${sections.map(({ name, about, isOptional }) => `  ${name.padEnd(15)} ${about}${isOptional ? ' Only when named.' : ''}`).join('\n')}`

import { type ParseArgsConfig, parseArgs } from 'node:util'

/** What a command was told to do, or the text to show instead. */
export type Parsed<Options> =
  | { kind: 'options'; options: Options }
  | { kind: 'help' | 'mistake'; text: string }

type Flags = NonNullable<ParseArgsConfig['options']>
type Given<Known extends Flags> = ReturnType<
  typeof parseArgs<{ args: string[]; allowPositionals: true; options: Known & { help: { type: 'boolean' } } }>
>

/** `--help` is the same everywhere, and every mistake is told with the usage. What a command alone knows, `read` checks. */
export function parseCommandLine<const Known extends Flags, Options>(
  args: string[],
  { flags, usage }: { flags: Known; usage: string },
  read: (given: Given<Known>['values'], words: string[]) => Parsed<Options>,
): Parsed<Options> {
  let given: Given<Known>
  try {
    const options = { ...flags, help: { type: 'boolean' as const } }
    given = parseArgs({ args, allowPositionals: true, options })
  } catch (error) {
    return withUsage((error as Error).message)
  }
  if ('help' in given.values) return { kind: 'help', text: usage }
  const parsed = read(given.values, given.positionals)
  return parsed.kind === 'mistake' ? withUsage(parsed.text) : parsed

  function withUsage(text: string): Parsed<Options> {
    return { kind: 'mistake', text: `${text}\n\n${usage}` }
  }
}

/** For commands that take flags only. */
export const tooMuch = (words: string[]): string | false =>
  words.length > 0 && `"${words.join(' ')}" is too much.`

/** For a command's entry file: shows help (exit code 0) or mistake (2) and ends there. */
export function optionsOrExit<Options>(parsed: Parsed<Options>): Options {
  if (parsed.kind === 'options') return parsed.options
  console.log(parsed.text)
  process.exit(parsed.kind === 'help' ? 0 : 2)
}

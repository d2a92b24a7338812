import { type Parsed, parseCommandLine } from '../command-line.ts'

export type ServiceName = 'orders' | 'payments'
export type LetterName = { service: ServiceName; id: string }
export type DeadLetterOptions =
  | { command: 'list' | 'acts'; services: ServiceName[] }
  | { command: 'show'; letter: LetterName }
  | { command: 'redrive'; letter: LetterName; isDryRun: boolean; who: string; why: string | undefined }
  | { command: 'discard'; letter: LetterName; isDryRun: boolean; who: string; why: string }

const services: ServiceName[] = ['orders', 'payments']

const usage = `npm run dead-letters -- list    [--service orders|payments]       what is parked, and what waits behind it
npm run dead-letters -- show    SERVICE/ID                          one message whole: reason, payload, what was done
npm run dead-letters -- redrive SERVICE/ID [--dry-run] [--why TEXT] handle it again, then those behind it
npm run dead-letters -- discard SERVICE/ID --why TEXT [--dry-run]   give it up for good, then handle those behind it
npm run dead-letters -- acts    [--service orders|payments]         who did what, when and why

  SERVICE/ID   as list shows it, for instance payments/12
  --dry-run    tells what would change, and changes nothing
  --who NAME   recorded with the act; your login name where it is left out

Needs OPERATOR_TOKEN, from the environment or .env; ORDERS_URL and PAYMENTS_URL where the services are elsewhere.`

const flags = {
  service: { type: 'string' },
  'dry-run': { type: 'boolean' },
  why: { type: 'string' },
  who: { type: 'string' },
} as const

export const parseDeadLetterOptions = (args: string[], login: string): Parsed<DeadLetterOptions> =>
  parseCommandLine(args, { flags, usage }, (given, words) => readOptions(given, words, login))

type Given = { service?: string; 'dry-run'?: boolean; why?: string; who?: string }

function readOptions(given: Given, words: string[], login: string): Parsed<DeadLetterOptions> {
  const mistake = (text: string) => ({ kind: 'mistake' as const, text })
  const [command, name, ...more] = words
  if (command === 'help') return { kind: 'help', text: usage }
  if (more.length > 0) return mistake(`"${more.join(' ')}" is too much: one dead letter at a time.`)
  const stray = (['service', 'dry-run', 'why', 'who'] as const).find(
    option => given[option] !== undefined && !takes(command, option),
  )
  if (stray && isCommand(command)) return mistake(`${command} does not take --${stray}.`)

  switch (command) {
    case undefined:
      return mistake('Say what to do.')
    case 'list':
    case 'acts': {
      if (name !== undefined) return mistake(`${command} takes no "${name}"; show takes one dead letter.`)
      const wanted = services.filter(service => given.service === undefined || service === given.service)
      if (wanted.length === 0)
        return mistake(`--service is "${given.service}"; it must be orders or payments.`)
      return { kind: 'options', options: { command, services: wanted } }
    }
    case 'show':
    case 'redrive':
    case 'discard': {
      const letter = parseName(name)
      if (!letter) {
        return mistake(
          name === undefined
            ? `Say which dead letter to ${command}, for instance payments/12; list shows them.`
            : `"${name}" names no dead letter. Write it as list shows it, for instance payments/12.`,
        )
      }
      if (command === 'show') return { kind: 'options', options: { command, letter } }
      const who = given.who ?? login
      if (who.trim() === '') return mistake('--who is blank. Give your name: it is recorded with the act.')
      const { why } = given
      if (why?.trim() === '') return mistake('--why is blank. Say in a few words why.')
      const isDryRun = given['dry-run'] === true
      if (command === 'redrive') return { kind: 'options', options: { command, letter, isDryRun, who, why } }
      if (why === undefined && !isDryRun)
        return mistake('A discard needs --why: the reason is recorded, and whoever comes later reads it.')
      return { kind: 'options', options: { command, letter, isDryRun, who, why: why ?? '' } }
    }
    default:
      return mistake(`There is no command "${command}".`)
  }
}

const optionsOf: Record<string, string[]> = {
  list: ['service'],
  acts: ['service'],
  show: [],
  redrive: ['dry-run', 'why', 'who'],
  discard: ['dry-run', 'why', 'who'],
}
const isCommand = (command: string | undefined): command is string =>
  command !== undefined && Object.hasOwn(optionsOf, command)
const takes = (command: string | undefined, option: string) =>
  isCommand(command) && optionsOf[command]!.includes(option)

function parseName(name: string | undefined): LetterName | undefined {
  const [, service, id] = /^(orders|payments)\/([1-9]\d{0,17})$/.exec(name ?? '') ?? []
  return service && id ? { service: service as ServiceName, id } : undefined
}

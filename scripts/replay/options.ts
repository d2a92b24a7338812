import type { ReplayRange } from 'messaging/replay'
import { type Parsed, parseCommandLine } from '../command-line.ts'

export type ReplayOptions = {
  service: 'orders' | 'payments'
  range: ReplayRange
  toTopic: string | undefined
  /** Without it nothing is sent. */
  isConfirmed: boolean
  who: string
  why: string | null
}

const usage = `npm run replay -- orders|payments RANGE [--to TOPIC] [--why TEXT] [--yes]

Sends events that a service has published before once more: the same ids, in the same order. Tells what it would
send; with --yes it sends it. A consumer with an inbox takes none that it remembers.

  RANGE, all of which must hold; one is needed
  --from-id N, --to-id N        ids of outbox rows, both included; --from-id 1 is all that is retained
  --since TIME, --until TIME    when they were appended, for instance 2026-11-21T10:00:00Z
  --key KEY                     of one key, such as a user id
  --topic TOPIC                 of one topic

  --to TOPIC    send them there instead; made where it is missing
  --who NAME    recorded with the act; your login name where it is left out

Needs the database of the service and Kafka, from the same variables as npm start.`

const flags = {
  'from-id': { type: 'string' },
  'to-id': { type: 'string' },
  since: { type: 'string' },
  until: { type: 'string' },
  key: { type: 'string' },
  topic: { type: 'string' },
  to: { type: 'string' },
  who: { type: 'string' },
  why: { type: 'string' },
  yes: { type: 'boolean' },
} as const

export const parseReplayOptions = (args: string[], login: string): Parsed<ReplayOptions> =>
  parseCommandLine(args, { flags, usage }, (given, words) => readOptions(given, words, login))

type Given = { [Name in Exclude<keyof typeof flags, 'yes'>]?: string } & { yes?: boolean }

function readOptions(given: Given, [service, ...more]: string[], login: string): Parsed<ReplayOptions> {
  const isService = service === 'orders' || service === 'payments'
  const range: ReplayRange = {
    ...(given['from-id'] !== undefined && { fromId: toId(given['from-id']) }),
    ...(given['to-id'] !== undefined && { toId: toId(given['to-id']) }),
    ...(given.since !== undefined && { since: new Date(given.since) }),
    ...(given.until !== undefined && { until: new Date(given.until) }),
    ...(given.key !== undefined && { key: given.key }),
    ...(given.topic !== undefined && { topic: given.topic }),
  }
  const who = given.who ?? login
  const mistakes = [
    !isService && `Say whose events: orders or payments${service === undefined ? '' : `, not "${service}"`}.`,
    more.length > 0 && `"${more.join(' ')}" is too much.`,
    ...(['from-id', 'to-id'] as const).map(
      name => wrongId(given[name]) && `--${name} is "${given[name]}"; it must be a whole number from 1.`,
    ),
    ...(['since', 'until'] as const).map(
      name =>
        wrongTime(given[name]) &&
        `--${name} is "${given[name]}"; write a time with its zone, such as 2026-11-21T10:00:00Z.`,
    ),
    ...(['topic', 'to'] as const).map(
      name => wrongTopic(given[name]) && `--${name} is "${given[name]}", which cannot be a topic of Kafka.`,
    ),
    Object.keys(range).length === 0 &&
      'Say which events: at least one of --from-id, --to-id, --since, --until, --key and --topic.',
    isAfter(range.fromId, range.toId) && '--from-id is after --to-id: no event is in that range.',
    isAfter(range.since, range.until) && '--since is after --until: no event is in that range.',
    who.trim() === '' && '--who is blank. Give your name: it is recorded with the act.',
    given.why?.trim() === '' && '--why is blank. Say in a few words why, or leave it out.',
  ].filter(mistake => mistake !== false)
  if (mistakes.length > 0 || !isService) return { kind: 'mistake', text: mistakes.join('\n') }
  return {
    kind: 'options',
    options: {
      service,
      range,
      toTopic: given.to,
      isConfirmed: given.yes === true,
      who,
      why: given.why ?? null,
    },
  }
}

const idForm = /^[1-9]\d{0,17}$/
const toId = (text: string): bigint => (idForm.test(text) ? BigInt(text) : 0n)
const wrongId = (text: string | undefined) => text !== undefined && !idForm.test(text)
const timeForm = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)$/
const wrongTime = (text: string | undefined) =>
  text !== undefined && !(timeForm.test(text) && !Number.isNaN(Date.parse(text)))
const wrongTopic = (text: string | undefined) => text !== undefined && !/^[\w.-]{1,249}$/.test(text)
const isAfter = <Value extends bigint | Date>(from: Value | undefined, to: Value | undefined) =>
  from !== undefined && to !== undefined && from > to

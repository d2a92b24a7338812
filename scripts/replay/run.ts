import { CommonConfig, ConfigError, parseConfig } from 'edge/config'
import { hostAndPort } from 'edge/host-and-port'
import { kafkaLogin, kafkaMistakes, kafkaSettings } from 'edge/kafka'
import { openLog } from 'edge/log'
import { databaseAddress, databaseConfig, openDatabase, openPool } from 'edge/postgres'
import { topicSettings } from 'edge/topics'
import { isInfrastructureError } from 'messaging/infrastructure-error'
import { openKafka } from 'messaging/platformatic-transport'
import {
  NothingPublishedError,
  planReplay,
  ReplayCutShortError,
  type ReplayPlan,
  replay,
} from 'messaging/replay'
import { Type } from 'typebox'
import { readSettings } from '../system/settings.ts'
import type { ReplayOptions } from './options.ts'

const Environment = Type.Object({
  ...CommonConfig,
  ...kafkaLogin('ORDERS'),
  ...kafkaLogin('PAYMENTS'),
  ...databaseConfig('ORDERS', 'orders'),
  ...databaseConfig('PAYMENTS', 'payments'),
})
const progressEveryMs = 1_000

/** Answers the exit code: 0 when the plan is told, or all of it is sent. */
export async function runReplay(options: ReplayOptions, say = console.log): Promise<number> {
  const { service, range, toTopic, isConfirmed, who, why } = options
  const log = openLog('replay', { LOG_LEVEL: 'silent', LOG_PRETTY: false })
  const prefix = service === 'orders' ? 'ORDERS' : 'PAYMENTS'
  const config = readConfig(prefix, say)
  if (!config) return 2
  const address = databaseAddress(config, prefix)
  const pool = openPool(address, 'replay', 2)
  const transport = openKafka({ ...kafkaSettings(config, prefix), clientId: 'replay', log })
  try {
    const db = openDatabase(pool)
    const plan = await planReplay(db, range)
    for (const line of planLines(plan, toTopic)) say(line)
    if (plan.events === 0) return 0
    if (!isConfirmed) {
      say('Nothing was sent. Add --yes to send them.')
      return 0
    }
    if (toTopic) await transport.ensureTopics([topicSettings(toTopic, config)])
    let saidAt = Date.now()
    const onProgress = (sent: number) => {
      if (Date.now() - saidAt < progressEveryMs) return
      saidAt = Date.now()
      say(`  sent ${sent}/${plan.events}`)
    }
    const settings = { db, transport, source: `/${service}-service`, onProgress, ...(toTopic && { toTopic }) }
    const sent = await replay(settings, range, plan, { who, why })
    say(`Sent ${sent} of ${plan.events} events.`)
    return sent === plan.events ? 0 : 1
  } catch (error) {
    const told = explain(error, `${hostAndPort(address.host, address.port)}/${address.database}`)
    if (told === undefined) throw error
    say(told)
    return 1
  } finally {
    await transport.close()
    await pool.end()
  }
}

function readConfig(prefix: string, say: (line: string) => void) {
  try {
    return parseConfig(Environment, readSettings(process.env).env, kafkaMistakes(prefix))
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    say(error.message)
    return undefined
  }
}

function planLines(
  { events, keys, someKeys, topics, first, last, unpublished }: ReplayPlan,
  to?: string,
): string[] {
  const left = unpublished > 0 ? [`Not published yet: ${unpublished} more, which the relay sends.`] : []
  if (!first || !last) return ['No published event is in this range.', ...left]
  const more = keys > someKeys.length ? ', …' : ''
  return [
    `Events  ${events}`,
    `Keys    ${keys}${keys > 0 ? `: ${someKeys.join(', ')}${more}` : ''}`,
    `First   id ${first.id}, ${first.at.toISOString()}`,
    `Last    id ${last.id}, ${last.at.toISOString()}`,
    `From    ${topics.join(', ')}`,
    `To      ${to ?? 'the same'}`,
    ...left,
  ]
}

function explain(error: unknown, database: string): string | undefined {
  if (error instanceof NothingPublishedError) return error.message
  if (error instanceof ReplayCutShortError) {
    const next = error.lastId === undefined ? '' : ` Go on with --from-id ${error.lastId + 1n}.`
    return `Cut short after ${error.sent} events: ${error.message}.${next} What was sent twice has one effect.`
  }
  if (isInfrastructureError(error) || Object(error).name?.startsWith('Kafka')) {
    const reason = (error as Error).message || Object(error).code
    return `The database ${database} or Kafka does not answer: ${reason}. Nothing was sent. Start them, or correct the variables that say where they are.`
  }
  return undefined
}

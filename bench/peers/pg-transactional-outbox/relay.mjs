// JavaScript: the package, and with it its types, is there only where the section peers has run.
import { Kafka, logLevel, Partitioners } from 'kafkajs'
import {
  createReplicationMutexConcurrencyController,
  createReplicationSegmentMutexConcurrencyController,
  DatabaseSetup,
  getDisabledLogger,
  initializePollingMessageListener,
  initializeReplicationMessageListener,
} from 'pg-transactional-outbox'
import { answerQuestions } from '../../harness/worker.ts'

const names = {
  outboxOrInbox: 'outbox',
  schema: 'public',
  table: 'peer_outbox',
  publication: 'peer_publication',
  nextMessagesName: 'next_peer_messages',
}

const variants = {
  polling: { nextMessagesBatchSize: 5, nextMessagesPollingIntervalInMs: 250 },
  'polling, tuned': { nextMessagesBatchSize: 100, nextMessagesPollingIntervalInMs: 10 },
  replication: createReplicationMutexConcurrencyController,
  'replication, segmented': createReplicationSegmentMutexConcurrencyController,
}
const isReplication = variant => typeof variants[variant] === 'function'

/** Its own set-up; the slot is made apart, as it says. */
export const setUp = (variant, database, role) => {
  const settings = { ...names, database, listenerRole: role }
  const { setupReplicationCore, dropAndCreateTable, createPollingFunction, setupPollingIndexes } =
    DatabaseSetup
  const tables = [dropAndCreateTable, setupReplicationCore, createPollingFunction, setupPollingIndexes]
  return [
    ...tables.map(make => make(settings)),
    `grant all on ${names.table} to ${role}`,
    ...(isReplication(variant)
      ? [`select pg_create_logical_replication_slot('${slotOf(variant)}', 'pgoutput')`]
      : []),
  ]
}

/** A slot's name is the whole server's. */
const slotOf = variant => `peer_${variant.replaceAll(/\W+/g, '_')}`

let producer
let shutdown

async function start({ database, brokers }, variant) {
  const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING })
  producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  const publisher = {
    handle: ({ id, aggregateType, segment, payload }) =>
      producer.send({
        topic: aggregateType,
        acks: -1,
        messages: [{ key: segment, value: JSON.stringify(payload), headers: { id } }],
      }),
  }
  const config = {
    outboxOrInbox: 'outbox',
    dbListenerConfig: database,
    settings: {
      dbSchema: names.schema,
      dbTable: names.table,
      enableMaxAttemptsProtection: false,
      enablePoisonousMessageProtection: false,
      ...(isReplication(variant)
        ? { dbPublication: names.publication, dbReplicationSlot: slotOf(variant) }
        : { ...variants[variant], nextMessagesFunctionName: names.nextMessagesName }),
    },
  }
  const log = getDisabledLogger()
  ;[shutdown] = isReplication(variant)
    ? initializeReplicationMessageListener(config, publisher, log, {
        concurrencyStrategy: variants[variant](),
      })
    : initializePollingMessageListener(config, publisher, log)
}

async function stop() {
  await shutdown?.()
  await producer?.disconnect()
  shutdown = undefined
  producer = undefined
}

// Without a channel to whoever asks, it was imported for its set-up.
if (process.send) answerQuestions({ start, stop }, stop)

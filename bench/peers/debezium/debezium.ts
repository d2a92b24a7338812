import { join } from 'node:path'
import { ownRelay } from '../../engine/own-relay.ts'
import type { RelayPlace, RelayUnderTest } from '../../engine/relay-under-test.ts'
import { connectStandalone } from './connect.ts'

type Properties = Record<string, string>
type Tuning = { connector?: Properties; worker?: Properties }

const string = 'org.apache.kafka.connect.storage.StringConverter'

/** Debezium on our outbox, with its event router as its own page advises and no header but its own. */
const debezium = (name: string, slot: string, { connector, worker = {} }: Tuning): RelayUnderTest => ({
  ...ownRelay,
  name,
  async open({ database, brokers, servers }: RelayPlace) {
    await servers.asSuperuser(async client => {
      await client.query(`alter role ${database.user} replication`)
      await client.query(
        "create publication debezium for table outbox with (publish = 'insert', publish_via_partition_root = true)",
      )
      await client.query(`select pg_create_logical_replication_slot('${slot}', 'pgoutput')`)
    }, database.database)
    const { daemon, pause, resume } = await connectStandalone({
      folder: join(servers.logFolder, slot),
      brokers,
      worker,
      connector: {
        name: slot,
        'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
        'tasks.max': '1',
        'database.hostname': database.host,
        'database.port': String(database.port),
        'database.user': database.user,
        'database.password': database.password,
        'database.dbname': database.database,
        'topic.prefix': slot,
        'plugin.name': 'pgoutput',
        'slot.name': slot,
        'publication.name': 'debezium',
        'publication.autocreate.mode': 'disabled',
        'table.include.list': 'public.outbox',
        'snapshot.mode': 'no_data',
        'key.converter': string,
        'value.converter': string,
        'header.converter': string,
        transforms: 'outbox',
        'transforms.outbox.type': 'io.debezium.transforms.outbox.EventRouter',
        'transforms.outbox.route.by.field': 'topic',
        // biome-ignore lint/suspicious/noTemplateCurlyInString: the router's own placeholder.
        'transforms.outbox.route.topic.replacement': '${routedByValue}',
        'transforms.outbox.table.field.event.id': 'event_id',
        'transforms.outbox.table.field.event.key': 'key',
        'transforms.outbox.table.field.event.payload': 'payload',
        ...connector,
      },
    })
    servers.track(daemon)
    let isStarted = false
    return {
      async start() {
        await (isStarted ? resume() : daemon.start())
        isStarted = true
      },
      stop: pause,
      async close() {
        await daemon.stop()
        await servers.asSuperuser(client => client.query('select pg_drop_replication_slot($1)', [slot]))
      },
    }
  },
})

export const debeziumTuned = debezium('Debezium, tuned', 'debezium_tuned', {
  connector: { 'poll.interval.ms': '10' },
  worker: { 'producer.linger.ms': '0' },
})
export const debeziumAsShipped = debezium('Debezium as shipped', 'debezium_as_shipped', {})

import { Kafka, logLevel } from 'kafkajs'
import pg from 'pg'
import { expect, test } from 'vitest'
import {
  startPrivateKafka,
  startPrivatePostgres,
  testBrokers,
  testDatabase,
  uniqueName,
} from '../test-infrastructure.ts'

test('each test database is migrated, its own, and gone after drop', async () => {
  const [first, second] = await Promise.all([testDatabase('messaging'), testDatabase('messaging')])
  expect(first.database).not.toBe(second.database)
  const client = new pg.Client(first.owner)
  await client.connect()
  expect((await client.query('select from outbox')).rowCount).toBe(0)
  await client.query('create table of_a_test (id int)')
  await client.end()
  const startedAt = performance.now()
  const third = await testDatabase('messaging')
  expect(performance.now() - startedAt).toBeLessThan(1000)
  await Promise.all([first, second, third].map(database => database.drop()))
  await expect(new pg.Client(first).connect()).rejects.toThrow('does not exist')
})

test('the shared Kafka refuses topics that nobody created', async () => {
  const admin = new Kafka({ brokers: testBrokers(), logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  const topic = uniqueName('nobody-created')
  await expect(admin.fetchTopicMetadata({ topics: [topic] })).rejects.toThrow()
  await admin.disconnect()
})

test('a private Postgres keeps port and rows through a kill and a stop', async () => {
  const server = await startPrivatePostgres()
  try {
    await query(server.address, 'create table kept (id int); insert into kept values (1)')
    await server.kill()
    await expect(query(server.address, 'select')).rejects.toThrow('ECONNREFUSED')
    await server.start()
    await query(server.address, 'insert into kept values (2)')
    await server.stop()
    await server.start()
    expect((await query(server.address, 'select id from kept')).rowCount).toBe(2)
  } finally {
    await server.remove()
  }
})

test('a private Kafka keeps port and messages through a kill and a stop', { timeout: 90_000 }, async () => {
  const server = await startPrivateKafka()
  try {
    await withAdmin(server.brokers, async (admin, producer) => {
      await admin.createTopics({ topics: [{ topic: 'kept', numPartitions: 1 }] })
      await producer.send({ topic: 'kept', acks: -1, messages: [{ value: 'one' }] })
    })
    await server.kill()
    await server.start()
    await withAdmin(server.brokers, async (_, producer) => {
      await producer.send({ topic: 'kept', acks: -1, messages: [{ value: 'two' }] })
    })
    await server.stop()
    await server.start()
    const offsets = await withAdmin(server.brokers, admin => admin.fetchTopicOffsets('kept'))
    expect(offsets).toMatchObject([{ high: '2' }])
  } finally {
    await server.remove()
  }
})

async function query(address: pg.ClientConfig, text: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ ...address, database: 'postgres' })
  await client.connect()
  try {
    return await client.query(text)
  } finally {
    await client.end()
  }
}

async function withAdmin<Result>(
  brokers: string[],
  act: (admin: ReturnType<Kafka['admin']>, producer: ReturnType<Kafka['producer']>) => Promise<Result>,
): Promise<Result> {
  const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  const producer = kafka.producer({ allowAutoTopicCreation: false })
  await Promise.all([admin.connect(), producer.connect()])
  try {
    return await act(admin, producer)
  } finally {
    await Promise.all([admin.disconnect(), producer.disconnect()])
  }
}

import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { createApp } from 'edge/app'
import { registerHealth } from 'edge/health'
import { openLog } from 'edge/log'
import { openPool } from 'edge/postgres'
import { topicSettings } from 'edge/topics'
import { Kafka, logLevel } from 'kafkajs'
import { openKafka } from 'messaging/platformatic-transport'
import { type RunningRelay, startRelay } from 'messaging/relay'
import { retainOnce } from 'messaging/retention'
import type { Pool } from 'pg'
import { freePort } from 'scripts/infrastructure/ports'
import { type TestDatabase, testBrokers, testDatabase, uniqueName } from 'scripts/test-infrastructure'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { examine } from './examine.ts'
import type { Told } from './finding.ts'
import { closeInstallation, type Database, type Installation, openDatabaseOf } from './installation.ts'
import { KafkaCluster } from './kafka-cluster.ts'

const log = openLog('doctor-test', { LOG_LEVEL: 'silent', LOG_PRETTY: false })
const dayMs = 86_400_000
const topic = uniqueName('doctor-healthy')
const transport = openKafka({ brokers: testBrokers(), clientId: 'doctor-test', log })
const addresses: TestDatabase[] = []
const relays: RunningRelay[] = []
const pools: Pool[] = []
let stopService: () => Promise<void>
/** As it is a minute after the first start: relays own their outboxes, partitions are made, services answer. */
let healthy: Installation

beforeAll(async () => {
  const databases: Database[] = []
  for (const name of ['orders', 'payments'] as const) {
    const address = await testDatabase(name)
    addresses.push(address)
    const database = openDatabaseOf(name, address)
    databases.push(database)
    await retainOnce({ pool: database.pool, log })
    const pool = openPool(address, 'doctor-test', 4)
    pools.push(pool)
    relays.push(startRelay({ pool, transport, source: `/${name}`, log }))
  }
  await vi.waitFor(() => expect(relays.every(({ isOwner }) => isOwner)).toBe(true), { timeout: 20_000 })
  await transport.ensureTopics([topicSettings(topic, { KAFKA_REPLICATION: 1, KAFKA_MIN_INSYNC_REPLICAS: 1 })])
  const app = await createApp({ title: 'service', description: '' }, log)
  registerHealth(app, 'service', { database: () => databases[0]!.pool.query('select 1') })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  stopService = () => app.close()
  healthy = {
    databases,
    kafka: new KafkaCluster({ brokers: testBrokers() }),
    services: [{ name: 'orders', where: 'orders-service', url }],
    topics: [topic],
    longestStopMs: 3 * dayMs,
    inboxRetentionMs: 30 * dayMs,
    now: Date.now,
  }
})
afterAll(async () => {
  await stopService?.()
  for (const relay of relays) await relay.stop()
  for (const pool of pools) await pool.end()
  await transport.close()
  await closeInstallation(healthy)
  for (const address of addresses) await address.drop()
})

const lines = (findings: Told[]) => findings.map(({ level, check, where }) => `${level} ${check}: ${where}`)

test('a healthy installation is told nothing but that its one broker is for development', async () => {
  const { status, findings, looked_at } = await examine(healthy)
  expect(lines(findings)).toEqual([`note topics: topic ${topic}`])
  expect(status).toBe('healthy')
  expect(looked_at).toEqual(['orders database', 'payments database', 'Kafka', 'orders-service'])
})

test('what cannot be reached is named, all of it at once, and nothing else is asked of it', async () => {
  const closed = `http://127.0.0.1:${await freePort()}`
  const gone: Installation = {
    ...healthy,
    databases: [openDatabaseOf('orders', { ...addresses[0]!, port: 1 })],
    kafka: new KafkaCluster({ brokers: ['127.0.0.1:1'] }),
    services: [{ name: 'orders', where: 'orders-service', url: closed }],
  }
  const { status, findings } = await examine(gone)
  await closeInstallation(gone)
  expect(status).toBe('faults')
  expect(lines(findings)).toEqual([
    'fault reach: orders database',
    'fault reach: Kafka',
    'fault services: orders-service',
  ])
  for (const { what } of findings) expect(what).toContain('ECONNREFUSED')
})

test('where this machine has the wrong time, every clock differs from it', async () => {
  const { findings } = await examine({ ...healthy, now: () => Date.now() + 95_000 })
  const clocks = findings.filter(({ check }) => check === 'clocks')
  expect(lines(clocks)).toEqual(
    ['orders database', 'payments database', 'orders-service', 'Kafka'].map(
      where => `fault clocks: ${where}`,
    ),
  )
  for (const { what } of clocks) expect(what).toMatch(/^Its clock is 1 minute behind this machine's/)
})

describe('a topic', () => {
  const admin = new Kafka({ brokers: testBrokers(), logLevel: logLevel.NOTHING }).admin()
  beforeAll(() => admin.connect())
  afterAll(() => admin.disconnect())

  test.each<[string, Record<string, string>, string[]]>([
    ['with an unclean leader election', { 'unclean.leader.election.enable': 'true' }, ['fault unclean']],
    [
      'that wants more copies than it has',
      { 'min.insync.replicas': '2' },
      ['fault min.insync.replicas is 2'],
    ],
    [
      'that forgets sooner than people come',
      { 'retention.ms': '3600000' },
      ['fault It keeps messages for 1 hour'],
    ],
    ['that is compacted', { 'cleanup.policy': 'compact' }, ['fault cleanup.policy is compact']],
    ['that is limited by bytes', { 'retention.bytes': '1000000' }, ['advice It keeps at most 1000000 bytes']],
    ['that keeps for ever', { 'retention.ms': '-1' }, ['advice It keeps messages for ever']],
  ])('%s is told of', async (_, settings, expected) => {
    const name = uniqueName('doctor-topic')
    const configEntries = Object.entries(settings).map(([key, value]) => ({ name: key, value }))
    await admin.createTopics({ waitForLeaders: false, topics: [{ topic: name, configEntries }] })
    // A broker that is busy knows of it a moment later; to wait for leaders fails before that.
    await vi.waitFor(() => admin.fetchTopicMetadata({ topics: [name] }), { timeout: 10_000 })
    const { findings } = await examine({ ...healthy, databases: [], services: [], topics: [name] })
    const besides = findings.filter(({ level }) => level !== 'note')
    expect(besides.map(({ level, what }) => `${level} ${what}`)).toEqual(
      expected.map(start => expect.stringContaining(start)),
    )
  })

  test('that is missing is told of', async () => {
    const { findings } = await examine({
      ...healthy,
      databases: [],
      services: [],
      topics: ['nobody-made-this'],
    })
    expect(findings).toMatchObject([
      { level: 'fault', where: 'topic nobody-made-this', what: 'It does not exist.' },
    ])
  })
})

test('a database that nobody has migrated is one fault, and no question about its tables', async () => {
  const bare = openDatabaseOf('orders', { ...addresses[0]!, database: 'postgres' })
  try {
    const { findings } = await examine({ ...healthy, databases: [bare], kafka: undefined, services: [] })
    expect(lines(findings)).toEqual(['fault migrations: orders database'])
  } finally {
    await bare.pool.end()
  }
})

test('what may not be read is told of as not known', async () => {
  const [orders] = healthy.databases
  await addresses[0]!.asOwner(`revoke select on orders_migration_checksum from ${addresses[0]!.user}`)
  const { findings } = await examine({ ...healthy, databases: [orders!], kafka: undefined, services: [] })
  await addresses[0]!.asOwner(`grant select on orders_migration_checksum to ${addresses[0]!.user}`)
  expect(findings).toMatchObject([
    {
      level: 'advice',
      check: 'migrations',
      what: expect.stringMatching(/could not be looked at: permission denied/),
    },
  ])
})

test('a broker and a service that take connections and say nothing are told of, in seconds', async () => {
  const silent = createServer(() => undefined).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const { port } = silent.address() as AddressInfo
  const kafka = new KafkaCluster({ brokers: [`127.0.0.1:${port}`] })
  const services = [{ name: 'orders', where: 'orders-service', url: `http://127.0.0.1:${port}` }]
  const { findings } = await examine({ ...healthy, databases: [], kafka, services })
  await kafka.close()
  expect(lines(findings)).toEqual(['fault reach: Kafka', 'fault services: orders-service'])
  silent.close()
})

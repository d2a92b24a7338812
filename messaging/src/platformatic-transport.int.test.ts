import { Producer } from '@platformatic/kafka'
import { testBrokers, uniqueName } from 'scripts/test-infrastructure'
import { expect, test, vi } from 'vitest'
import { range } from './consumer-fixture.ts'
import { openKafka as openKafkajs } from './kafkajs-transport.ts'
import { openKafka } from './platformatic-transport.ts'
import { consume, newTopic, open, opened, publish, soon, sorted } from './transport-suite/fixture.ts'
import { testTransport } from './transport-suite/suite.ts'

const module = new URL('./platformatic-transport.ts', import.meta.url)
const subject = { open: openKafka, module, exportName: 'openKafka' }

testTransport(subject)

test.each([
  ['kafkajs first', { ...subject, open: openKafkajs }, subject],
  ['kafkajs second', subject, { ...subject, open: openKafkajs }],
])('a group has members of either client, whoever leads it: %s', async (_, leading, joining) => {
  const { transport } = open(leading)
  const topic = await newTopic(transport)
  const members = [await consume(transport, topic)]
  members.push(await consume(open(joining).transport, topic))
  let published = 0
  await vi.waitFor(async () => {
    await publish(transport, topic, range(published, published + 40))
    published += 40
    for (const { batches } of members) expect(batches.flat().length).toBeGreaterThan(0)
  }, soon)
  const arrived = () => sorted([...new Set(members.flatMap(({ scans }) => scans()))])
  await vi.waitFor(() => expect(arrived()).toEqual(range(0, published)), soon)
})

test('of another program’s transactions, what was committed comes, and neither what was given up nor their marks', async () => {
  const { transport } = open(subject)
  const topic = await newTopic(transport, 1)
  const producer = new Producer({
    clientId: uniqueName('other'),
    bootstrapBrokers: testBrokers(),
    transactionalId: uniqueName('other'),
    idempotent: true,
  })
  opened.push(() => producer.close())
  const { scans } = await consume(transport, topic)
  for (const scan of range(0, 6)) {
    const transaction = await producer.beginTransaction()
    await transaction.send({ messages: [{ topic, value: Buffer.from(String(scan)) }] })
    await publish(transport, topic, [100 + scan])
    await (scan % 2 ? transaction.abort() : transaction.commit())
  }
  const expected = [0, 100, 101, 2, 102, 103, 4, 104, 105]
  await vi.waitFor(() => expect(scans()).toHaveLength(expected.length), soon)
  expect(scans()).toEqual(expected)
  const later = await consume(transport, topic, { groupId: uniqueName('later') })
  await vi.waitFor(() => expect(later.scans()).toEqual(expected), soon)
})

test('partitions of which not all fit into one answer take turns', async () => {
  const { transport } = open(subject)
  const partitions = 12
  const topic = await newTopic(transport, partitions)
  const filling = 'x'.repeat(25_000)
  const each = range(0, 40)
  for (const scan of each) {
    const messages = range(0, partitions).map(() => ({ topic, key: null, value: filling, headers: {} }))
    await transport.publish(messages.map(message => ({ ...message, headers: { scan: String(scan) } })))
  }
  const { batches } = await consume(transport, topic, { batchSizeMax: 5_000 })
  await vi.waitFor(() => expect(batches.flat()).toHaveLength(partitions * each.length), soon)
  const order = batches.flat().map(({ partition }) => partition)
  const firsts = range(0, partitions).map(partition => order.indexOf(partition))
  // The last one to begin does so before the first one to end.
  const lasts = range(0, partitions).map(partition => order.lastIndexOf(partition))
  expect(Math.max(...firsts)).toBeLessThan(Math.min(...lasts))
})

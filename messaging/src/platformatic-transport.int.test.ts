import { expect, test, vi } from 'vitest'
import { range } from './consumer-fixture.ts'
import { openKafka as openKafkajs } from './kafkajs-transport.ts'
import { openKafka } from './platformatic-transport.ts'
import { consume, newTopic, open, publish, soon, sorted } from './transport-suite/fixture.ts'
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

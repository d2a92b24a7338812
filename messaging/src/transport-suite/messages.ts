import { zstdCompressSync } from 'node:zlib'
import { CompressionCodecs, CompressionTypes, ConfigResourceTypes, Kafka, logLevel } from 'kafkajs'
import { testBrokers } from 'scripts/test-infrastructure'
import { describe, expect, test, vi } from 'vitest'
import { range } from '../consumer-fixture.ts'
import { consume, expectOrdered, newTopic, open, opened, publish, type Subject, soon } from './fixture.ts'

/** Of Apache Kafka's own UtilsTest. */
const murmur2 = new Map([
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
])

export function testMessages(subject: Subject): void {
  describe('publish and subscribe', () => {
    test('all partitions of a fetch come in few bounded calls, each partition in order, with all they had', async () => {
      const { transport } = open(subject)
      const topic = await newTopic(transport)
      const before = Date.now()
      await publish(transport, topic, range(0, 1_200))
      const { batches, scans, subscriber } = await consume(transport, topic)
      await vi.waitFor(() => expect(new Set(scans()).size).toBe(1_200), soon)
      expectOrdered(scans(), range(0, 1_200))
      expect(Math.max(...batches.map(batch => batch.length))).toBeLessThanOrEqual(500)
      // Of one fetch three; the broker may have answered before it had all of them at hand.
      expect(batches.length).toBeLessThanOrEqual(6)
      expect(new Set(batches[0]!.map(({ partition }) => partition)).size).toBeGreaterThan(1)
      const [first] = batches.flat()
      expect(first).toMatchObject({
        topic,
        key: `k${Number(first!.value) % 40}`,
        headers: { scan: String(first!.value) },
      })
      expect(first!.timestamp.getTime()).toBeGreaterThanOrEqual(before - 1_000)
      expect(subscriber.isRunning()).toBe(true)
    })

    test('a key is in the partition where any other client puts it, so that it keeps it when the client changes', async () => {
      const { transport } = open(subject)
      const topic = await newTopic(transport)
      await transport.publish([...murmur2].map(([key]) => ({ topic, key, value: '', headers: {} })))
      const { batches } = await consume(transport, topic)
      await vi.waitFor(() => expect(batches.flat()).toHaveLength(murmur2.size), soon)
      expect(new Map(batches.flat().map(({ key, partition }) => [key, partition]))).toEqual(
        new Map([...murmur2].map(([key, hash]) => [key, (hash & 0x7fffffff) % 6])),
      )
    })

    test('messages as other programs send them: no key, bytes that are no text, nothing at all, packed by another codec', async () => {
      const { transport } = open(subject)
      const topic = await newTopic(transport, 1)
      // Packs only: what the consumer reads has been unpacked by the broker.
      CompressionCodecs[CompressionTypes.ZSTD] = () => ({
        compress: async ({ buffer }: { buffer: Buffer }) => zstdCompressSync(buffer),
        decompress: async () => {
          throw new Error('not unpacked by the broker')
        },
      })
      const others = new Kafka({ brokers: testBrokers(), logLevel: logLevel.NOTHING }).producer()
      await others.connect()
      opened.push(() => others.disconnect())
      await others.send({
        topic,
        compression: CompressionTypes.ZSTD,
        messages: [
          { key: null, value: null },
          {
            key: Buffer.from([0xff, 0x00, 0x41]),
            value: Buffer.from([0xff, 0x00]),
            headers: { h: Buffer.from('x\0') },
          },
          { key: '', value: '' },
          { key: 'k'.repeat(3_000), value: 'long', headers: { twice: ['1', '2'] } },
        ],
      })
      const { batches } = await consume(transport, topic)
      await vi.waitFor(() => expect(batches.flat()).toHaveLength(4), soon)
      expect(batches.flat()).toMatchObject([
        { key: null, value: null, headers: {}, offset: 0n },
        { key: '\ufffd\ufffdA', value: Buffer.from([0xff, 0x00]), headers: { h: 'x\ufffd' } },
        { key: '', value: Buffer.alloc(0) },
        { key: expect.stringMatching(/^k{500}… sha256:[0-9a-f]{64}$/), headers: { twice: '1' } },
      ])
    })

    test('messages near the largest size arrive, one fetch after another', async () => {
      const { transport } = open(subject)
      const topic = await newTopic(transport, 2)
      const value = 'ä'.repeat(500_000)
      for (const scan of range(0, 12)) {
        await transport.publish([{ topic, key: String(scan), value, headers: {} }])
      }
      const { batches } = await consume(transport, topic)
      await vi.waitFor(() => expect(batches.flat()).toHaveLength(12), soon)
      expect(batches.flat().every(message => String(message.value) === value)).toBe(true)
      expect(batches.every(batch => batch.length <= 6)).toBe(true)
    })

    test.each([
      ['any', '1048588', 20, 300_000],
      ['one that is set to take less', '20000', 50, 2_000],
    ])(
      'more than a topic takes at once is published at once, and keeps its order: %s',
      async (_, bytesMax, count, size) => {
        const { transport } = open(subject)
        const topic = await newTopic(transport, 2)
        await setMessageBytesMax(topic, bytesMax)
        const keys = 2
        const scans = range(0, count)
        const filling = 'x'.repeat(size)
        await transport.publish(
          scans.map(scan => ({
            topic,
            key: `k${scan % keys}`,
            value: filling,
            headers: { scan: String(scan) },
          })),
        )
        const { batches } = await consume(transport, topic)
        const got = () => batches.flat().map(({ headers }) => Number(headers.scan))
        await vi.waitFor(() => expect(new Set(got()).size).toBe(count), soon)
        expectOrdered(got(), scans, keys)
      },
    )

    test('a message that the broker refuses as too large rejects', async () => {
      const { transport } = open(subject)
      const topic = await newTopic(transport, 1)
      const large = { topic, key: null, value: 'x'.repeat(1_100_000), headers: {} }
      await expect(transport.publish([large])).rejects.toThrow(/larger than the max/)
      await publish(transport, topic, [1])
    })
  })
}

async function setMessageBytesMax(topic: string, value: string): Promise<void> {
  const admin = new Kafka({ brokers: testBrokers(), logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  opened.push(() => admin.disconnect())
  await admin.alterConfigs({
    validateOnly: false,
    resources: [
      { type: ConfigResourceTypes.TOPIC, name: topic, configEntries: [{ name: 'max.message.bytes', value }] },
    ],
  })
}

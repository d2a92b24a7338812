import { spawn } from 'node:child_process'
import { createServer, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { zstdCompressSync } from 'node:zlib'
import { CompressionCodecs, CompressionTypes, Kafka, logLevel } from 'kafkajs'
import { startPrivateKafka, testBrokers, uniqueName } from 'scripts/test-infrastructure'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { keepingLog, range } from './consumer-fixture.ts'
import { openKafka } from './kafkajs-transport.ts'
import type { IncomingMessage, Subscription, Transport } from './transport.ts'

const soon = { timeout: 25_000, interval: 20 }
const opened: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close()
})

function open(brokers = testBrokers()) {
  const { log, lines } = keepingLog()
  const transport = openKafka({ brokers, clientId: uniqueName('test'), log })
  opened.push(() => transport.close())
  return { transport, lines }
}

async function newTopic(transport: Transport, partitions = 6): Promise<string> {
  const topic = uniqueName('scanned')
  await transport.ensureTopics([{ topic, partitions, replication: 1, minInsyncReplicas: 1 }])
  return topic
}

const publish = (transport: Transport, topic: string, scans: number[], keys = 40) =>
  transport.publish(
    scans.map(scan => ({
      topic,
      key: `k${scan % keys}`,
      value: String(scan),
      headers: { scan: String(scan) },
    })),
  )

/** A group member that keeps what it got; `handle` is what a test has it do with a batch. */
async function consume(
  transport: Transport,
  topic: string,
  { handle, ...more }: Partial<Subscription> & { handle?: Subscription['onBatch'] } = {},
) {
  const batches: IncomingMessage[][] = []
  const subscriber = await transport.subscribe({
    groupId: `${topic}-group`,
    topics: [topic],
    from: 'earliest',
    batchSizeMax: 500,
    offsetCommitIntervalMs: 50,
    async onBatch(messages, signal) {
      await handle?.(messages, signal)
      batches.push(messages)
    },
    ...more,
  })
  opened.push(() => subscriber.close())
  return { batches, subscriber, scans: () => batches.flat().map(({ value }) => Number(value)) }
}
const sorted = (numbers: number[]) => numbers.toSorted((a, b) => a - b)
/** Per key, the first arrivals are in the order of publishing. */
function expectOrdered(arrived: number[], all: number[], keys = 40) {
  expect(sorted([...new Set(arrived)])).toEqual(all)
  for (const key of range(0, keys)) {
    const first = [...new Set(arrived.filter(scan => scan % keys === key))]
    expect(first).toEqual(all.filter(scan => scan % keys === key))
  }
}

describe('publish and subscribe', () => {
  test('all partitions of a fetch come in few bounded calls, each partition in order, with all they had', async () => {
    const { transport } = open()
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

  test('messages as other programs send them: no key, bytes that are no text, nothing at all, packed by another codec', async () => {
    const { transport } = open()
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
    const { transport } = open()
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

  test('a message that the broker refuses as too large rejects', async () => {
    const { transport } = open()
    const topic = await newTopic(transport, 1)
    const large = { topic, key: null, value: 'x'.repeat(1_100_000), headers: {} }
    await expect(transport.publish([large])).rejects.toThrow(/larger than the max/)
    await publish(transport, topic, [1])
  })
})

describe('offsets', () => {
  test('are committed after the work, never before, and lag says how far', async () => {
    const { transport } = open()
    const topic = await newTopic(transport, 1)
    await publish(transport, topic, range(0, 10))
    const { promise: mayEnd, resolve: end } = Promise.withResolvers<void>()
    const handle = vi.fn(() => mayEnd)
    await consume(transport, topic, { handle, offsetCommitIntervalMs: 5 })
    await vi.waitFor(() => expect(handle).toHaveBeenCalled(), soon)
    try {
      for (const _ of range(0, 20)) expect(await transport.lag(`${topic}-group`, [topic])).toBe(10)
    } finally {
      end()
    }
    await vi.waitFor(async () => expect(await transport.lag(`${topic}-group`, [topic])).toBe(0), soon)
  })

  test('a process killed after its work and before its commit: the same messages come again', async () => {
    const { transport } = open()
    const topic = await newTopic(transport, 2)
    await publish(transport, topic, range(0, 30))
    const child = spawn(process.execPath, ['--input-type=module', '-e', consumerProgram(topic)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let handledThere = 0
    child.stdout.on('data', chunk => {
      handledThere += String(chunk).split('\n').length - 1
    })
    await vi.waitFor(() => expect(handledThere).toBe(30), soon)
    const ended = new Promise(resolve => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
    const { scans } = await consume(transport, topic)
    await vi.waitFor(() => expect(sorted(scans())).toEqual(range(0, 30)), soon)
  })

  test('what a rejected batch held comes again, and what follows it waits', async () => {
    const { transport } = open()
    const topic = await newTopic(transport, 1)
    await publish(transport, topic, range(0, 20))
    let failures = 0
    const { scans, subscriber } = await consume(transport, topic, {
      batchSizeMax: 5,
      async handle([first]) {
        if (Number(first!.value) >= 5 && failures++ < 2) throw new Error('cannot now')
      },
    })
    await vi.waitFor(() => expect(new Set(scans()).size).toBe(20), soon)
    expectOrdered(scans(), range(0, 20))
    expect(subscriber.isRunning()).toBe(true)
  })
})

const transportFile = fileURLToPath(new URL('./kafkajs-transport.ts', import.meta.url))
/** Handles, says so, and would commit in an hour. */
const consumerProgram = (topic: string) => `
  import { openKafka } from ${JSON.stringify(transportFile)}
  const log = { debug() {}, info() {}, warn() {}, error() {} }
  const transport = openKafka({ brokers: ${JSON.stringify(testBrokers())}, clientId: 'killed', log })
  await transport.subscribe({
    groupId: '${topic}-group', topics: ['${topic}'], from: 'earliest', batchSizeMax: 500,
    offsetCommitIntervalMs: 3_600_000,
    onBatch: async messages => process.stdout.write('handled\\n'.repeat(messages.length)),
  })`

describe('close', () => {
  test('finishes the call in hand, begins no other, commits exactly that and leaves', async () => {
    const { transport } = open()
    const topic = await newTopic(transport, 1)
    await publish(transport, topic, range(0, 50))
    const { promise: mayEnd, resolve: end } = Promise.withResolvers<void>()
    const handle = vi.fn(() => mayEnd)
    const first = await consume(transport, topic, {
      batchSizeMax: 10,
      handle,
      offsetCommitIntervalMs: 60_000,
    })
    await vi.waitFor(() => expect(handle).toHaveBeenCalled(), soon)
    const closing = first.subscriber.close()
    expect(first.subscriber.isRunning()).toBe(false)
    end()
    await closing
    expect(first.scans()).toEqual(range(0, 10))
    const startedAt = performance.now()
    const second = await consume(transport, topic)
    await vi.waitFor(() => expect(second.scans()).toEqual(range(10, 50)), soon)
    // Had it not left the group, its place would be kept for the session timeout of 10 s.
    expect(performance.now() - startedAt).toBeLessThan(8_000)
  })

  test('ends the waiting of a handler whose database is down, quickly; its messages come again', async () => {
    const { transport } = open()
    const topic = await newTopic(transport, 1)
    await publish(transport, topic, range(0, 5))
    const handle = vi.fn(
      (_: IncomingMessage[], signal: AbortSignal) =>
        new Promise<void>((_, reject) =>
          signal.addEventListener('abort', () => reject(new Error('gave up waiting'))),
        ),
    )
    const first = await consume(transport, topic, { handle })
    await vi.waitFor(() => expect(handle).toHaveBeenCalled(), soon)
    const startedAt = performance.now()
    await first.subscriber.close()
    expect(performance.now() - startedAt).toBeLessThan(4_000)
    const second = await consume(transport, topic)
    await vi.waitFor(() => expect(second.scans()).toEqual(range(0, 5)), soon)
  })

  test('of an idle consumer is quick, and so is closing while no broker answers', async () => {
    const { transport } = open()
    const { subscriber } = await consume(transport, await newTopic(transport, 1))
    const startedAt = performance.now()
    await subscriber.close()
    await transport.close()
    expect(performance.now() - startedAt).toBeLessThan(3_000)
  })
})

describe('members that join and leave', () => {
  test('while messages flow: every message arrives, first arrivals of a key in order', async () => {
    const { transport, lines } = open()
    const topic = await newTopic(transport)
    const arrived: number[] = []
    const handle = async (messages: IncomingMessage[]) => {
      arrived.push(...messages.map(({ value }) => Number(value)))
    }
    await consume(transport, topic, { handle })
    let published = 0
    const publishMore = async (count: number) => {
      for (const _ of range(0, count / 20)) {
        await publish(transport, topic, range(published, published + 20))
        published += 20
      }
    }
    await publishMore(200)
    const [second] = await Promise.all([consume(open().transport, topic, { handle }), publishMore(400)])
    await vi.waitFor(async () => {
      await publishMore(20)
      expect(second.batches.length).toBeGreaterThan(0)
    }, soon)
    await Promise.all([second.subscriber.close(), publishMore(400)])
    await vi.waitFor(() => expect(new Set(arrived).size).toBe(published), soon)
    expectOrdered(arrived, range(0, published))
    expect(lines.filter(({ message }) => message.includes('gave up'))).toEqual([])
  })

  test('a handler that waits for its database gives its partitions up to the one that joins, and goes on', async () => {
    const { transport, lines } = open()
    const topic = await newTopic(transport, 2)
    await publish(transport, topic, range(0, 40))
    let isDown = true
    const handle = vi.fn(
      (_: IncomingMessage[], signal: AbortSignal) =>
        new Promise<void>((resolve, reject) => {
          if (!isDown) return resolve()
          signal.addEventListener('abort', () => reject(new Error('gave up waiting')))
        }),
    )
    const first = await consume(transport, topic, { handle })
    await vi.waitFor(() => expect(handle).toHaveBeenCalled(), soon)
    lines.length = 0
    const second = await consume(open().transport, topic)
    await vi.waitFor(() => expect(second.scans().length).toBeGreaterThan(0), soon)
    isDown = false
    await second.subscriber.close()
    await vi.waitFor(
      () => expect(sorted([...new Set([...first.scans(), ...second.scans()])])).toEqual(range(0, 40)),
      soon,
    )
    expect(first.subscriber.isRunning()).toBe(true)
    expect(lines.filter(({ message }) => message.includes('gave up'))).toEqual([])
  }, 60_000)
})

describe('no broker', () => {
  /** Takes connections and never answers, as a frozen broker does. */
  async function frozenBroker(): Promise<string> {
    const sockets = new Set<Socket>()
    const server = createServer(socket => void sockets.add(socket.on('error', () => {})))
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    opened.push(async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    })
    return `127.0.0.1:${(server.address() as { port: number }).port}`
  }

  test('ping rejects within its bound, whether the broker refuses or is frozen', async () => {
    const refusing = open(['127.0.0.1:1']).transport
    const frozen = open([await frozenBroker()]).transport
    const startedAt = performance.now()
    const pings = await Promise.allSettled(range(0, 20).flatMap(() => [refusing.ping(), frozen.ping()]))
    expect(pings.every(({ status }) => status === 'rejected')).toBe(true)
    expect(performance.now() - startedAt).toBeLessThan(6_000)
  })

  test('a subscription that cannot connect ends with its signal at once, and closing does not hang', async () => {
    const { transport } = open([await frozenBroker()])
    const stopping = new AbortController()
    const subscribing = transport.subscribe({
      groupId: 'g',
      topics: ['t'],
      from: 'earliest',
      batchSizeMax: 1,
      offsetCommitIntervalMs: 1_000,
      onBatch: async () => {},
      signal: stopping.signal,
    })
    const startedAt = performance.now()
    stopping.abort(new Error('no longer wanted'))
    await expect(subscribing).rejects.toThrow('no longer wanted')
    const publishing = transport
      .publish([{ topic: 't', key: null, value: '', headers: {} }])
      .catch(error => error)
    await transport.close()
    expect(performance.now() - startedAt).toBeLessThan(4_000)
    expect(await publishing).toBeInstanceOf(Error)
  })
})

test('ensureTopics may run anywhere at once and again, and changes no topic that exists', async () => {
  const { transport } = open()
  const topic = uniqueName('ensured')
  const settings = { topic, partitions: 3, replication: 1, minInsyncReplicas: 1 }
  await Promise.all(range(0, 5).map(() => open().transport.ensureTopics([settings])))
  await transport.ensureTopics([{ ...settings, partitions: 9 }])
  await publish(transport, topic, range(0, 60))
  const { batches, scans } = await consume(transport, topic)
  await vi.waitFor(() => expect(scans()).toHaveLength(60), soon)
  expect(new Set(batches.flat().map(({ partition }) => partition)).size).toBe(3)
})

test('Kafka killed and started in mid-stream: publishing and consuming go on by themselves, nothing is lost', async () => {
  const kafka = await startPrivateKafka()
  opened.push(() => kafka.remove())
  const { transport } = open(kafka.brokers)
  const topic = await newTopic(transport)
  const { scans, subscriber } = await consume(transport, topic)
  await publish(transport, topic, range(0, 200))
  await vi.waitFor(() => expect(scans().length).toBeGreaterThan(0), soon)
  const isOver = { yes: false }
  let published = 200
  // As the relay does: the same batch again until it is known to be stored.
  const publishing = (async () => {
    while (!isOver.yes) {
      await publish(transport, topic, range(published, published + 20)).then(
        () => {
          published += 20
        },
        () => undefined,
      )
    }
  })()
  await kafka.kill()
  await kafka.start()
  const afterStart = published
  await vi.waitFor(() => expect(published).toBeGreaterThan(afterStart + 200), { timeout: 40_000 })
  isOver.yes = true
  await publishing
  await vi.waitFor(() => expect(new Set(scans()).size).toBe(published), { timeout: 40_000 })
  expectOrdered(scans(), range(0, published))
  expect(subscriber.isRunning()).toBe(true)
}, 120_000)

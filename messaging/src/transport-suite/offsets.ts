import { spawn } from 'node:child_process'
import { testBrokers } from 'scripts/test-infrastructure'
import { describe, expect, test, vi } from 'vitest'
import { range } from '../consumer-fixture.ts'
import type { IncomingMessage } from '../transport.ts'
import {
  consume,
  expectOrdered,
  groupOf,
  newTopic,
  open,
  publish,
  type Subject,
  soon,
  sorted,
} from './fixture.ts'

export function testOffsets(subject: Subject): void {
  describe('offsets', () => {
    test('are committed after the work, never before, and lag says how far', async () => {
      const { transport } = open(subject)
      const topic = await newTopic(transport, 1)
      await publish(transport, topic, range(0, 10))
      const { promise: mayEnd, resolve: end } = Promise.withResolvers<void>()
      const handle = vi.fn(() => mayEnd)
      await consume(transport, topic, { handle, offsetCommitIntervalMs: 5 })
      await vi.waitFor(() => expect(handle).toHaveBeenCalled(), soon)
      try {
        for (const _ of range(0, 20)) expect(await transport.lag(groupOf(topic), [topic])).toBe(10)
      } finally {
        end()
      }
      await vi.waitFor(async () => expect(await transport.lag(groupOf(topic), [topic])).toBe(0), soon)
    })

    test('a process killed after its work and before its commit: the same messages come again', async () => {
      const { transport } = open(subject)
      const topic = await newTopic(transport, 2)
      await publish(transport, topic, range(0, 30))
      const child = spawn(process.execPath, ['--input-type=module', '-e', consumerProgram(subject, topic)], {
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
      const { transport } = open(subject)
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

  describe('close', () => {
    test('finishes the call in hand, begins no other, commits exactly that and leaves', async () => {
      const { transport } = open(subject)
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
      const { transport } = open(subject)
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
      const { transport } = open(subject)
      const { subscriber } = await consume(transport, await newTopic(transport, 1))
      const startedAt = performance.now()
      await subscriber.close()
      await transport.close()
      expect(performance.now() - startedAt).toBeLessThan(3_000)
    })
  })
}

/** Handles, says so, and would commit in an hour. */
const consumerProgram = ({ module, exportName }: Subject, topic: string) => `
  import { ${exportName} as open } from ${JSON.stringify(module)}
  const log = { debug() {}, info() {}, warn() {}, error() {} }
  const transport = open({ brokers: ${JSON.stringify(testBrokers())}, clientId: 'killed', log })
  await transport.subscribe({
    groupId: '${groupOf(topic)}', topics: ['${topic}'], batchSizeMax: 500,
    offsetCommitIntervalMs: 3_600_000,
    onBatch: async messages => process.stdout.write('handled\\n'.repeat(messages.length)),
  })`

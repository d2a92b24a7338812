import { channel } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { describe, expect, test, vi } from 'vitest'
import { range } from '../consumer-fixture.ts'
import { consume, newTopic, open, opened, type Subject, soon, sorted } from './fixture.ts'

const megabyte = 1_000_000
/** Two fetches of 1 MB: one in hand or waiting for it, one on its way; and what sockets hold. */
const heldMax = 8 * megabyte

export function testPressure(subject: Subject): void {
  describe('a handler that is slow', () => {
    test('has no more read for it than a bound, and then gets everything', async () => {
      const { transport } = open(subject)
      const topic = await newTopic(transport, 3)
      const scans = range(0, 40)
      const value = (scan: number) => String(scan).padStart(900_000)
      for (const scan of scans) {
        await transport.publish([{ topic, key: `k${scan}`, value: value(scan), headers: {} }])
      }
      const read = countReading()
      const { promise: mayEnd, resolve: end } = Promise.withResolvers<void>()
      const handle = vi.fn(() => mayEnd)
      const consumer = await consume(transport, topic, { handle, batchSizeMax: 1 })
      try {
        await vi.waitFor(() => expect(handle).toHaveBeenCalled(), soon)
        // Until, for a second, next to nothing comes any more: heartbeats.
        let before = 0
        await vi.waitFor(
          () => {
            const came = read() - before
            before += came
            expect(came).toBeLessThan(megabyte / 10)
          },
          { ...soon, interval: 1_000 },
        )
        expect(read()).toBeLessThan(heldMax)
        expect(consumer.subscriber.isRunning()).toBe(true)
      } finally {
        end()
      }
      await vi.waitFor(() => expect(sorted(consumer.scans())).toEqual(scans), soon)
    }, 60_000)
  })
}

/** Bytes that this process has read from any socket that it opens from now on. */
function countReading(): () => number {
  const sockets = new Set<Socket>()
  const created = channel('net.client.socket')
  const onSocket = (message: unknown) => void sockets.add((message as { socket: Socket }).socket)
  created.subscribe(onSocket)
  opened.push(async () => void created.unsubscribe(onSocket))
  return () => [...sockets].reduce((sum, { bytesRead }) => sum + (bytesRead ?? 0), 0)
}

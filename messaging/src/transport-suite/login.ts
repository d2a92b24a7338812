import { startGuardedKafka } from 'scripts/testing/guarded-kafka'
import { describe, expect, test, vi } from 'vitest'
import { range } from '../consumer-fixture.ts'
import { consume, groupOf, newTopic, open, opened, publish, type Subject, soon, sorted } from './fixture.ts'

const login = { username: 'shop', password: 'let-me-in' }
const mechanisms = ['plain', 'scram-sha-256', 'scram-sha-512'] as const

export function testLogin(subject: Subject): void {
  describe('a broker that asks who is there', () => {
    test('lets a login in by each mechanism, for all that is done; and nobody without it', async () => {
      const kafka = await startGuardedKafka({
        protocol: 'SASL_PLAINTEXT',
        mechanisms: ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'],
        passwords: { [login.username]: login.password },
      })
      opened.push(() => kafka.remove())
      for (const mechanism of mechanisms) {
        const { transport } = open(subject, kafka.brokers, { mechanism, ...login })
        const topic = await newTopic(transport, 2)
        await publish(transport, topic, range(0, 20))
        const { scans, subscriber } = await consume(transport, topic)
        await vi.waitFor(() => expect(sorted(scans())).toEqual(range(0, 20)), soon)
        await vi.waitFor(async () => expect(await transport.lag(groupOf(topic), [topic])).toBe(0), soon)
        await subscriber.close()
        const wrong = { mechanism, ...login, password: 'open-sesame' }
        await expect(open(subject, kafka.brokers, wrong).transport.ping()).rejects.toThrow()
      }
      await expect(open(subject, kafka.brokers).transport.ping()).rejects.toThrow()
    }, 60_000)
  })
}

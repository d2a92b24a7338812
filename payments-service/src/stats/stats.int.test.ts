import { afterAll, beforeAll, expect, test } from 'vitest'
import { createPaymentsApp } from '../app.ts'
import { openTestService, silent, type TestService } from '../test-service.ts'

let service: TestService
beforeAll(async () => {
  service = await openTestService()
})
afterAll(() => service.close())

test('GET /stats tells how the engine is doing', async () => {
  const answer = await service.app.inject('/stats')
  expect(answer.statusCode).toBe(200)
  expect(answer.json()).toMatchObject({
    service: 'payments-service',
    outbox: { waiting: 0, oldest_age_ms: null, is_capped: false },
    consumer: { name: 'payments.debit', lag: 0 },
    dead_letters: { parked: 0, waiting: 0 },
  })
})

test('a broker that does not answer leaves the lag unknown and holds up nothing else', async () => {
  const transport = { ping: async () => undefined, lag: () => new Promise<number>(() => undefined) }
  const app = await createPaymentsApp({ db: service.db, transport, log: silent })
  const answer = await app.inject('/stats')
  await app.close()
  expect(answer.statusCode).toBe(200)
  expect(answer.json().consumer.lag).toBeNull()
})

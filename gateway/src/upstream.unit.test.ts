import { performance } from 'node:perf_hooks'
import { expect, test } from 'vitest'
import { startUpstream } from './gateway-fixture.ts'
import { openUpstream } from './upstream.ts'

test('a service that hangs piles up so many requests and no more; the next is refused at once', async () => {
  const server = await startUpstream(() => undefined)
  const upstream = openUpstream('orders', server.url, 3_000)
  const request = { method: 'GET', path: '/', headers: {} } as const
  const waiting = Array.from({ length: 2_048 }, () => upstream.ask(request))
  const started = performance.now()
  expect(await upstream.ask(request)).toMatchObject({
    kind: 'unavailable',
    reason: '2048 requests are waiting',
  })
  expect(performance.now() - started).toBeLessThan(1_000)
  await upstream.close()
  expect((await Promise.all(waiting)).every(({ kind }) => kind === 'unavailable')).toBe(true)
  await server.close()
})

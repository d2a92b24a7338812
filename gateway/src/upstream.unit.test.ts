import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { performance } from 'node:perf_hooks'
import { expect, onTestFinished, test, vi } from 'vitest'
import { startUpstream } from './gateway-fixture.ts'
import { openUpstream } from './upstream.ts'

test('a service that hangs piles up so many requests and no more; the next is refused at once', async () => {
  const server = await startUpstream(() => undefined)
  const upstream = openUpstream('orders', server.url, 3_000, 3_000)
  const request = { method: 'GET', path: '/', headers: {} } as const
  const waiting = Array.from({ length: 640 }, () => upstream.ask(request))
  const started = performance.now()
  expect(await upstream.ask(request)).toMatchObject({
    kind: 'unavailable',
    reason: '640 requests are waiting',
    isOverloaded: true,
  })
  expect(performance.now() - started).toBeLessThan(1_000)
  await upstream.close()
  expect((await Promise.all(waiting)).every(({ kind }) => kind === 'unavailable')).toBe(true)
  await server.close()
})

test('while the first in the queue has waited too long, whoever comes is refused at once; then the door is open again', async () => {
  const held: (() => void)[] = []
  const server = await startUpstream((_request, response) => void held.push(() => response.end('{}')))
  const upstream = openUpstream('orders', server.url, 10_000, 50)
  const request = { method: 'GET', path: '/', headers: {} } as const
  const sent = Array.from({ length: 128 }, () => upstream.ask(request))
  await vi.waitFor(() => expect(held).toHaveLength(128))
  const queued = upstream.ask(request)
  await vi.waitFor(async () => {
    const refused = Promise.race([upstream.ask(request), Promise.resolve('queued')])
    expect(await refused).toMatchObject({ isOverloaded: true, reason: 'requests have waited for over 50 ms' })
  })
  for (const answer of held) answer()
  expect((await Promise.all(sent)).every(({ kind }) => kind === 'answered')).toBe(true)
  await vi.waitFor(() => expect(held.length).toBeGreaterThan(128))
  for (const answer of held.slice(128)) answer()
  expect(await queued).toMatchObject({ kind: 'answered' })
  const answers = upstream.ask(request)
  await vi.waitFor(() => {
    for (const answer of held) answer()
    return Promise.race([answers, Promise.reject(new Error('not yet'))])
  })
  expect(await answers).toMatchObject({ kind: 'answered' })
  await upstream.close()
  await server.close()
})

test('what waits for a connection that nobody gets counts until it is let go, and then the door is open again', async () => {
  const { service, url } = await startService()
  const upstream = openUpstream('orders', url, 400, 60_000)
  onTestFinished(() => upstream.close())
  const request = { method: 'POST', path: '/', headers: {}, body: Buffer.alloc(1_000, 'x') } as const
  const askAll = () => Promise.all(Array.from({ length: 640 }, () => upstream.ask(request)))
  // Let go as it was sent, and not once more as it broke.
  for (let at = 0; at < 640; at++)
    expect(await upstream.ask({ ...request, path: '/broken' })).toMatchObject({ kind: 'unavailable' })
  service.kill('SIGSTOP')
  for (const outcome of await askAll())
    expect(outcome).toEqual({ kind: 'unavailable', reason: 'no answer within 400 ms' })
  const later = await askAll()
  // Each connection that fails after its time lets some go.
  expect(later.filter(outcome => 'isOverloaded' in outcome).length).toBeGreaterThan(320)
  service.kill('SIGCONT')
  await vi.waitFor(async () => expect(await upstream.ask(request)).toMatchObject({ kind: 'answered' }), 5_000)
})

test('who was given up waits no more: the next one has its own time, though no connection has come yet', async () => {
  const { service, url } = await startService()
  service.kill('SIGSTOP')
  const upstream = openUpstream('orders', url, 10_000, 50)
  onTestFinished(() => upstream.close())
  const request = { method: 'GET', path: '/', headers: {} } as const
  // The kernel connects the first few.
  const fill = Array.from({ length: 8 }, () => upstream.ask(request, 200))
  for (const outcome of await Promise.all(fill))
    expect(outcome).toMatchObject({ reason: 'no answer within 200 ms' })
  expect(await upstream.ask(request, 200)).toEqual({ kind: 'unavailable', reason: 'no answer within 200 ms' })
})

/** Once it is stopped, its machine is as good as gone: the kernel takes two connections for it, and answers no other. */
async function startService(): Promise<{ service: ChildProcess; url: string }> {
  const script = `const server = require('node:http').createServer((request, response) =>
      request.url === '/broken' ? request.destroy() : response.end('{}'))
    server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(server.address().port))`
  const service = spawn(process.execPath, ['-e', script])
  onTestFinished(() => void service.kill('SIGKILL'))
  const [port] = await once(service.stdout, 'data')
  return { service, url: `http://127.0.0.1:${Number(port)}` }
}

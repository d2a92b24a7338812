import { once } from 'node:events'
import { connect } from 'node:net'
import { performance } from 'node:perf_hooks'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { createApp } from './app.ts'

test('an app closes at once although a client holds a connection on which it never sent anything', async () => {
  const app = await createApp({ title: 'x', description: 'x' }, pino({ level: 'silent' }))
  await app.listen({ host: '127.0.0.1', port: 0 })
  const spare = connect(app.server.address() as { port: number })
  await once(spare, 'connect')
  const answered = await fetch(
    `http://127.0.0.1:${(app.server.address() as { port: number }).port}/openapi.json`,
  )
  await answered.arrayBuffer()
  const started = performance.now()
  await app.close()
  expect(performance.now() - started).toBeLessThan(1_000)
  spare.destroy()
})

test('an app that closes still answers the request it is working on, and then waits for nobody', async () => {
  const app = await createApp({ title: 'x', description: 'x' }, pino({ level: 'silent' }))
  const begun = Promise.withResolvers<void>()
  const finished = Promise.withResolvers<void>()
  app.get('/slow', async () => {
    begun.resolve()
    await finished.promise
    return { done: true }
  })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const answer = fetch(`${url}/slow`)
  await begun.promise
  const closed = app.close()
  await new Promise(resolve => setTimeout(resolve, 100))
  finished.resolve()
  expect(await (await answer).json()).toEqual({ done: true })
  const answeredAt = performance.now()
  await closed
  expect(performance.now() - answeredAt).toBeLessThan(1_000)
})

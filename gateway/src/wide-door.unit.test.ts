import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { createApp } from 'edge/app'
import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { wideDoor } from './wide-door.ts'

const host = '127.0.0.1'
const backlog = 511
const openApp = () => createApp({ title: 'x', description: 'x' }, pino({ level: 'silent' }))

test.runIf(process.platform === 'linux')('a burst of clients is let in within a few turns', async () => {
  const app = await openApp()
  onTestFinished(() => app.close())
  let turn = 0
  const turns = new Set<number>()
  const allIn = Promise.withResolvers<void>()
  const clients: Socket[] = []
  let accepted = 0
  app.server.on('connection', () => {
    turns.add(turn)
    if (++accepted === 200) allIn.resolve()
  })
  await wideDoor(app).listen({ host, port: 0, backlog })
  const { port } = app.server.address() as AddressInfo
  let isCounting = true
  const count = () => {
    turn++
    if (isCounting) setImmediate(count)
  }
  count()
  for (let index = 0; index < 200; index++) clients.push(connect({ host, port }))
  await allIn.promise
  isCounting = false
  for (const client of clients) client.destroy()
  // One socket lets one in a turn: that would be 200.
  expect(turns.size).toBeLessThan(40)
})

test('whoever is being answered when the app closes has its answer, whichever socket let it in', async () => {
  const app = await openApp()
  let working = 0
  const finished = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  app.get('/slow', async () => {
    if (++working === 20) begun.resolve()
    await finished.promise
    return { done: true }
  })
  await wideDoor(app).listen({ host, port: 0, backlog })
  const { port } = app.server.address() as AddressInfo
  const answers = Array.from({ length: 20 }, () => fetch(`http://${host}:${port}/slow`))
  await begun.promise
  let isClosed = false
  const closed = app.close().then(() => {
    isClosed = true
  })
  await new Promise(resolve => setTimeout(resolve, 50))
  expect(isClosed).toBe(false)
  finished.resolve()
  for (const answer of answers) expect(await (await answer).json()).toEqual({ done: true })
  await closed
  const next = createServer().listen(port, host)
  await once(next, 'listening')
  next.close()
})

test('a port that another gateway has is taken', async () => {
  const [first, second] = [await openApp(), await openApp()]
  onTestFinished(async () => {
    await first.close()
    await second.close()
  })
  await wideDoor(first).listen({ host, port: 0, backlog })
  const { port } = first.server.address() as AddressInfo
  await expect(wideDoor(second).listen({ host, port, backlog })).rejects.toMatchObject({ code: 'EADDRINUSE' })
})

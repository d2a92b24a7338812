import { on, once } from 'node:events'
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

test('what is written after an answer does not wait until the client has acknowledged it', async () => {
  const app = await openApp()
  onTestFinished(() => app.close())
  app.get('/', async () => 'there')
  let writtenAt = 0
  app.get('/stream', (_request, reply) => {
    reply.hijack()
    reply.raw.write('first')
    setTimeout(() => {
      writtenAt = performance.now()
      reply.raw.write('second')
    }, 5)
  })
  await wideDoor(app).listen({ host, port: 0, backlog })
  const { port } = app.server.address() as AddressInfo

  async function secondTookMs(): Promise<number> {
    const client = connect({ host, port })
    const heard = async (text: string) => {
      for await (const [data] of on(client, 'data')) if (String(data).includes(text)) return
    }
    // A client that asks and is answered acknowledges up to 40 ms later, with its next request.
    for (const [path, text] of [...Array(5).fill(['/', 'there']), ['/stream', 'second']]) {
      client.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
      await heard(text)
    }
    client.destroy()
    return performance.now() - writtenAt
  }
  const took: number[] = []
  for (let round = 0; round < 5; round++) took.push(await secondTookMs())
  expect(Math.min(...took)).toBeLessThan(15)
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

import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { createApp } from './app.ts'

async function listen() {
  const logged: { level: number; msg: string }[] = []
  const log = pino({ level: 'info' }, { write: line => void logged.push(JSON.parse(line)) })
  const app = await createApp({ title: 'shop', description: 'shop' }, log)
  app.post('/orders', async ({ body }) => ({ got: body }))
  await app.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(() => app.close())
  const { port } = app.server.address() as AddressInfo
  return { app, logged, connect: () => connect(port, '127.0.0.1') }
}

const order = (headers: string) =>
  `POST /orders HTTP/1.1\r\n${headers}connection: close\r\ncontent-type: application/json\r\ncontent-length: 7\r\n\r\n{"a":1}`

test('a request without Host is a problem like any other', async () => {
  const socket = (await listen()).connect()
  socket.write(order(''))
  const answer = await text(socket)
  expect(answer).toMatch(/^HTTP\/1.1 400 .*content-type: application\/problem\+json.*"invalid_request"/s)
  expect(answer).toContain('Host')
})

test('who expects what nobody knows is answered all the same', async () => {
  const socket = (await listen()).connect()
  socket.write(order('host: x\r\nexpect: miracles\r\n'))
  expect(await text(socket)).toMatch(/^HTTP\/1.1 200 .*\{"got":\{"a":1\}\}/s)
})

test('a client that leaves in the middle of its body is no failure of ours', async () => {
  const { app, logged, connect } = await listen()
  const socket = connect()
  socket.write(order('host: x\r\n').slice(0, -3))
  const [{ socket: theirs }] = await once(app.server, 'request')
  socket.destroy()
  await once(theirs, 'close')
  await new Promise(setImmediate)
  expect(logged.filter(({ level }) => level > 30)).toEqual([])
})

import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { mendSocket } from './kafka-socket.ts'
import { openClient } from './kafkajs-client.ts'

const log = { debug() {}, info() {}, warn() {}, error() {} }
const answer = Buffer.from([0, 0, 0, 9, 255, 255, 255, 255, 255, 255, 255, 255, 255])
const opened: Socket[] = []
afterEach(() => {
  for (const socket of opened.splice(0)) socket.destroy()
})

async function serve(onConnection: (socket: Socket, number: number) => void): Promise<number> {
  let connections = 0
  const server = createServer(socket => {
    opened.push(socket)
    socket.on('error', () => undefined)
    onConnection(socket, ++connections)
  }).unref()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

test.each([
  // Read on from the half before it, they end in sizes where there are none.
  ['answers', Buffer.concat(Array(30).fill(answer))],
  ['no answers at all', Buffer.alloc(200, 0xff)],
])(
  'after a connection that broke within an answer comes one with %s: no error is left to nobody',
  async (_, next) => {
    const halfOfAnAnswer = Buffer.from([0, 0, 0, 100, 0, 0])
    let connections = 0
    const port = await serve((socket, number) => {
      connections = number
      socket.once('data', () => socket.end(number === 1 ? halfOfAnAnswer : next))
    })
    const { kafka, cutOff } = openClient({ brokers: [`127.0.0.1:${port}`], clientId: 'test', log })
    const admin = kafka.admin({ retry: { retries: 2, initialRetryTime: 1, maxRetryTime: 1 } })
    // An error in a socket's listener is nobody's: it ends a process, and Vitest fails the run for it.
    await expect(admin.connect()).rejects.toThrow()
    expect(connections).toBeGreaterThan(1)
    cutOff()
  },
)

test('a socket that leaves a request unanswered is destroyed, however much is still asked on it', async () => {
  const port = await serve(() => {})
  const socket = mendSocket(connect({ port, host: '127.0.0.1' }), 100)
  const ended = new Promise<Error>(resolve => socket.once('error', resolve))
  const asking = setInterval(() => socket.write('again'), 10)
  expect((await ended).message).toContain('answered nothing for 100 ms')
  clearInterval(asking)
})

test('a socket that has had all its answers may be silent for as long as it likes', async () => {
  const port = await serve(socket => socket.on('data', () => socket.write(answer)))
  const socket = mendSocket(connect({ port, host: '127.0.0.1' }), 20)
  opened.push(socket)
  socket.write('request')
  await new Promise(resolve => socket.once('data', resolve))
  // Ten looks at it later.
  await new Promise(resolve => setTimeout(resolve, 60))
  expect(socket.destroyed).toBe(false)
})

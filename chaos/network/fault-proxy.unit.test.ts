import { connect, createServer, type Server, type Socket } from 'node:net'
import { freePort } from 'scripts/infrastructure/ports'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { FaultProxy } from './fault-proxy.ts'

/** Answers each line with `<name> <line>`. */
async function startEcho(name: string) {
  const port = await freePort()
  const heard: string[] = []
  const sockets = new Set<Socket>()
  const server: Server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('data', data => {
      heard.push(String(data))
      socket.write(`${name} ${data}`)
    })
  })
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
  const close = () => {
    for (const socket of sockets) socket.destroy()
    return new Promise(resolve => server.close(resolve))
  }
  return { port, heard, close }
}

class Client {
  readonly socket: Socket
  text = ''
  ending: string | undefined
  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1' })
    this.socket.on('data', data => {
      this.text += data
    })
    this.socket.on('error', (error: NodeJS.ErrnoException) => {
      this.ending ??= error.code
    })
    this.socket.on('close', () => {
      this.ending ??= 'closed'
    })
  }
}

let a: Awaited<ReturnType<typeof startEcho>>
let b: Awaited<ReturnType<typeof startEcho>>
let proxy: FaultProxy
const clients: Client[] = []
const open = () => {
  const client = new Client(proxy.port)
  clients.push(client)
  return client
}
beforeEach(async () => {
  ;[a, b] = await Promise.all([startEcho('a'), startEcho('b')])
  proxy = new FaultProxy({ port: await freePort(), targets: [a.port], random: () => 0.5 })
  await proxy.listen()
})
afterEach(async () => {
  for (const { socket } of clients.splice(0)) socket.destroy()
  await proxy.close()
  await Promise.all([a.close(), b.close()])
})

async function talking(): Promise<Client> {
  const client = open()
  client.socket.write('1')
  await expect.poll(() => client.text).toBe('a 1')
  return client
}

test('without a fault bytes and the end pass in both directions', async () => {
  const client = await talking()
  client.socket.end()
  await expect.poll(() => client.ending).toBe('closed')
  await expect.poll(() => proxy.connections).toBe(0)
})

test('connections go to the targets in turn, and past one that refuses', async () => {
  proxy.targets.push(b.port, await freePort())
  const all = [open(), open(), open(), open()]
  for (const client of all) client.socket.write('x')
  await expect.poll(() => all.map(({ text }) => text[0]).toSorted()).toEqual(['a', 'a', 'b', 'b'])
})

test('cut: a connection is reset and so is a new one, until it heals', async () => {
  const client = await talking()
  proxy.inject({ kind: 'cut' })
  await expect.poll(() => client.ending).toBe('ECONNRESET')
  const refused = open()
  await expect.poll(() => refused.ending).toBe('ECONNRESET')
  proxy.heal()
  await talking()
})

test('stall: what was sent meanwhile arrives in order after healing', async () => {
  const client = await talking()
  proxy.inject({ kind: 'stall' })
  client.socket.write('2')
  client.socket.write('3')
  const late = open()
  late.socket.write('4')
  await expect.poll(() => proxy.connections).toBe(2)
  expect(a.heard).toEqual(['1'])
  proxy.heal()
  await expect.poll(() => client.text).toMatch(/^a 1a 2(a )?3$/)
  await expect.poll(() => late.text).toBe('a 4')
})

test('half open: the server loses the connection, and the client never hears of it', async () => {
  const client = await talking()
  proxy.inject({ kind: 'half_open' })
  client.socket.write('2')
  const late = open()
  late.socket.write('3')
  await expect.poll(() => proxy.connections).toBe(2)
  proxy.heal()
  const healthy = await talking()
  expect([client.text, client.ending, late.text, late.ending]).toEqual(['a 1', undefined, '', undefined])
  expect(a.heard).toEqual(['1', '1'])
  client.socket.end()
  await expect.poll(() => client.ending).toBe('closed')
  expect(healthy.ending).toBeUndefined()
})

test('reset before the answer: the request has arrived, the answer does not', async () => {
  const client = await talking()
  proxy.inject({ kind: 'reset_before_answer', chance: 0.4 })
  client.socket.write('2')
  await expect.poll(() => client.text).toBe('a 1a 2')
  proxy.inject({ kind: 'reset_before_answer', chance: 0.6 })
  client.socket.write('3')
  await expect.poll(() => client.ending).toBe('ECONNRESET')
  expect(a.heard).toEqual(['1', '2', '3'])
  expect(client.text).toBe('a 1a 2')
})

test('drip: everything arrives, a few bytes at a time', async () => {
  const client = await talking()
  proxy.inject({ kind: 'drip', bytes: 10, everyMs: 1 })
  const long = 'x'.repeat(1000)
  client.socket.write(long)
  await expect.poll(() => a.heard.join('')).toBe(`1${long}`)
  expect(a.heard.length).toBeGreaterThan(10)
  proxy.heal()
})

test('latency: everything arrives, later; healing ends the wait', async () => {
  const client = await talking()
  proxy.inject({ kind: 'latency', ms: 60_000 })
  client.socket.write('2')
  await expect.poll(() => proxy.connections).toBe(1)
  expect(a.heard).toEqual(['1'])
  proxy.heal()
  await expect.poll(() => client.text).toBe('a 1a 2')
})

test('a server that dies ends its connections', async () => {
  const client = await talking()
  await a.close()
  await expect.poll(() => client.ending).toBeDefined()
})

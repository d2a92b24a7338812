import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { freePort } from '../infrastructure/ports.ts'
import { assertPortsFree } from './assert-ports-free.ts'
import { readSettings } from './settings.ts'

const variables = ['ORDERS_DB_PORT', 'KAFKA_PORT', 'GATEWAY_PORT', 'ORDERS_PORT', 'PAYMENTS_PORT', 'UI_PORT']
variables.push('GATEWAY_METRICS_PORT', 'ORDERS_METRICS_PORT', 'PAYMENTS_METRICS_PORT', 'OPERATOR_PORT')
let env: Record<string, string>
const others: Server[] = []

beforeEach(async () => {
  const ports = await Promise.all(variables.map(async name => [name, String(await freePort())] as const))
  env = { ...Object.fromEntries(ports), OPERATOR_TOKEN: 't'.repeat(16) }
  env.PAYMENTS_DB_PORT = env.ORDERS_DB_PORT!
})

afterEach(() => {
  for (const other of others.splice(0)) other.close()
})

const look = (services: ('gateway' | 'orders' | 'ui')[] = ['gateway', 'orders', 'ui']) =>
  assertPortsFree(readSettings(env), services)

async function take(variable: string): Promise<void> {
  const other = createServer().listen(Number(env[variable]), '127.0.0.1')
  others.push(other)
  await once(other, 'listening')
}

test('all that is taken is told at once, also what PostgreSQL, Kafka and the desk want', async () => {
  const taken = ['GATEWAY_PORT', 'OPERATOR_PORT', 'ORDERS_DB_PORT', 'KAFKA_PORT']
  for (const variable of taken) await take(variable)
  const { message } = await look().then(
    () => expect.fail('not refused'),
    (error: Error) => error,
  )
  for (const variable of taken) expect(message).toContain(`port ${env[variable]}, wanted for`)
  expect(message).toContain('PostgreSQL (ORDERS_DB_PORT and PAYMENTS_DB_PORT)')
  expect(message).toContain('the desk (OPERATOR_PORT)')
})

test('one port for two servers is told as that, not as the port of another program', async () => {
  env.ORDERS_PORT = env.GATEWAY_PORT!
  await expect(look()).rejects.toThrow(/^Wanted more than once:\n.*GATEWAY_PORT.*\n.*ORDERS_PORT.*\nSet each/)
})

test.each([
  ['0.0.0.0', '127.0.0.1'],
  ['127.0.0.1', '0.0.0.0'],
  ['::', '127.0.0.1'],
  ['::', '::1'],
  ['localhost', (await lookup('localhost')).address],
])('a port at %s and at %s is one port', async (HOST, OPERATOR_HOST) => {
  env = { ...env, HOST, OPERATOR_HOST, OPERATOR_PORT: env.UI_PORT! }
  await expect(look()).rejects.toThrow(/^Wanted more than once:\n.* ui \(.*\n.*the desk.*\nSet each/)
})

test.each([
  ['127.0.0.1', '127.0.0.2'],
  ['0.0.0.0', '::1'],
])('a port at %s and at %s are two', async (HOST, OPERATOR_HOST) => {
  env = { ...env, HOST, OPERATOR_HOST, OPERATOR_PORT: env.UI_PORT! }
  expect(String(await look().catch(error => error))).not.toContain('more than once')
})

test('what is left out or looks itself does not stand in the way', async () => {
  for (const variable of ['OPERATOR_PORT', 'ORDERS_DB_PORT', 'KAFKA_PORT']) await take(variable)
  await expect(look(['gateway', 'orders'])).resolves.toBeUndefined()
})

test.each(['HOST', 'OPERATOR_HOST'])('an address that this machine has not is told with %s', async name => {
  env[name] = '203.0.113.5'
  await expect(look(['ui'])).rejects.toThrow(
    new RegExp(`^(ui|the desk) cannot .*203.0.113.5.* Correct ${name} or `),
  )
})

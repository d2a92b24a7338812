import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createConfig, lintFromString } from '@redocly/openapi-core'
import type { App } from 'edge/app'
import { openLog } from 'edge/log'
import { registerOperatorRoutes } from 'edge/operator-routes'
import { openDatabase, openPool } from 'edge/postgres'
import { keep, startGateway } from 'gateway/gateway-fixture'
import { createOrdersApp } from 'orders-service/app'
import { settleOrdersConsumer } from 'orders-service/orders/settle-orders'
import { createPaymentsApp } from 'payments-service/app'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'

/** The real apps, which describe themselves without a database or a broker; only the operators' calls are alike in both. */
const log = openLog('test', { LOG_LEVEL: 'silent', LOG_PRETTY: false })
const transport = { ping: async () => undefined, lag: async () => 0 }
const newDatabase = <Tables>() =>
  openDatabase<Tables>(
    openPool({ host: '', port: 1, database: '', user: '', password: '' }, 'never-connected', 4),
  )
const apps: Record<string, App> = {}
const urls: Record<string, string> = {}

beforeAll(async () => {
  const orders = await createOrdersApp({ db: newDatabase(), transport, log })
  const definition = settleOrdersConsumer({ log, clock: () => new Date() })
  registerOperatorRoutes(orders, {
    service: 'orders',
    desk: { db: newDatabase(), definition, log },
    token: undefined,
  })
  Object.assign(apps, { orders, payments: await createPaymentsApp({ db: newDatabase(), transport, log }) })
  for (const [name, app] of Object.entries(apps))
    urls[name] = await app.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(() => Promise.all(Object.values(apps).map(app => app.close())))

const rules = createConfig(readFileSync(join(import.meta.dirname, '../redocly.yaml'), 'utf8'))
async function complaints(source: string): Promise<string[]> {
  const problems = await lintFromString({ source, absoluteRef: 'document.json', config: await rules })
  return problems.map(({ ruleId, message, location }) => `${ruleId} ${location[0]?.pointer} ${message}`)
}
const read = async (url: string) => (await fetch(url)).text()

test.each(['orders', 'payments'])('the OpenAPI document of %s keeps the rules', async service => {
  const document = await read(`${urls[service]}/openapi.json`)
  expect(Object.keys(JSON.parse(document).paths).length).toBeGreaterThan(8)
  expect(await complaints(document)).toEqual([])
})

test('who needs no token is not asked for one', async () => {
  const schemesOf = async (service: string) =>
    JSON.parse(await read(`${urls[service]}/openapi.json`)).components.securitySchemes
  expect(await schemesOf('orders')).toEqual({ operatorToken: { type: 'http', scheme: 'bearer' } })
  expect(await schemesOf('payments')).toBeUndefined()
})

test("the gateway's, joined from all, keeps them too; so does its AsyncAPI document, which is the one in docs/", async () => {
  const gateway = await keep(startGateway(urls))
  const document = await vi.waitFor(
    async () => {
      const text = await read(`${gateway.url}/openapi.json`)
      expect(Object.keys(JSON.parse(text).paths)).toEqual(expect.arrayContaining(['/orders', '/users']))
      return text
    },
    { timeout: 10_000 },
  )
  expect(await complaints(document)).toEqual([])

  const topics = await read(`${gateway.url}/asyncapi.json`)
  expect(await complaints(topics)).toEqual([])
  expect(JSON.parse(topics)).toEqual(
    JSON.parse(readFileSync(join(import.meta.dirname, '../docs/asyncapi.json'), 'utf8')),
  )
})

test('the rules are kept watch over: a broken document is refused', async () => {
  expect(await complaints(JSON.stringify({ openapi: '3.1.0', paths: {} }))).not.toEqual([])
  expect(
    await complaints(
      JSON.stringify({ asyncapi: '3.0.0', info: { title: 'x', version: '1' }, channels: { x: 1 } }),
    ),
  ).not.toEqual([])
})

import { expect, onTestFinished, test, vi } from 'vitest'
import { gatewayUrlIn } from './gateway-url.ts'
import { addressLines } from './run-system.ts'
import { serviceDaemon } from './services.ts'
import { readSettings } from './settings.ts'

test('without variables both databases and Kafka are embedded', () => {
  const settings = readSettings({})
  expect(settings.embeddedPostgres?.databases).toEqual(['ORDERS', 'PAYMENTS'])
  expect(settings.embeddedKafka).toEqual({ port: 9092 })
  expect(settings.env).toMatchObject({ KAFKA_BROKERS: '127.0.0.1:9092', ORDERS_URL: 'http://127.0.0.1:8081' })
})

test('a server of your own replaces the embedded one, each by itself', () => {
  const one = readSettings({ ORDERS_DB_HOST: 'db.example', ORDERS_DB_PORT: '6000' })
  expect(one.embeddedPostgres).toMatchObject({ port: 5432, databases: ['PAYMENTS'] })
  const both = readSettings({ ORDERS_DB_HOST: 'a', PAYMENTS_DB_HOST: 'b', KAFKA_BROKERS: 'k:9092' })
  expect(both).toMatchObject({ embeddedPostgres: undefined, embeddedKafka: undefined })
  expect(both.env.KAFKA_BROKERS).toBe('k:9092')
})

test('an empty variable counts as unset', () => {
  expect(readSettings({ KAFKA_BROKERS: '', ORDERS_DB_HOST: '' })).toMatchObject({
    embeddedKafka: { port: 9092 },
    embeddedPostgres: { databases: ['ORDERS', 'PAYMENTS'] },
  })
})

test('ports move the addresses that depend on them', () => {
  const { env } = readSettings({ ORDERS_PORT: '1000', UI_PORT: '2000', KAFKA_PORT: '3000' })
  expect(env).toMatchObject({
    ORDERS_URL: 'http://127.0.0.1:1000',
    CORS_ORIGINS: 'http://localhost:2000,http://127.0.0.1:2000',
    KAFKA_BROKERS: '127.0.0.1:3000',
  })
})

test('an IPv6 address is in brackets wherever the services are asked and a person is sent', async () => {
  const settings = readSettings({ HOST: '::1', OPERATOR_HOST: 'fd00::7', OPERATOR_TOKEN: 't'.repeat(16) })
  expect(settings.env).toMatchObject({ ORDERS_URL: 'http://[::1]:8081', PAYMENTS_URL: 'http://[::1]:8082' })
  expect(addressLines(settings, ['gateway', 'ui']).map(line => line.replace(/.* /, ''))).toEqual([
    'http://[::1]:3000',
    'http://[::1]:8080',
    'http://[::1]:8080/docs',
    'http://[fd00::7]:3001/dead-letters',
  ])
  const asked = vi.spyOn(globalThis, 'fetch').mockResolvedValue(new Response())
  onTestFinished(() => asked.mockRestore())
  expect(await serviceDaemon('orders', { settings }).options.readyOnce()).toBe(true)
  expect(asked.mock.calls[0]?.[0]).toBe('http://[::1]:8081/health')
})

test('the UI and the commands ask the gateway where HOST has it, and the UI is trusted to name its clients', () => {
  const at = (HOST: string) => {
    const { GATEWAY_URL, TRUSTED_PROXIES } = readSettings({ HOST, GATEWAY_PORT: '9' }).env
    expect(gatewayUrlIn({ HOST, GATEWAY_PORT: '9' })).toBe(GATEWAY_URL)
    return [GATEWAY_URL, TRUSTED_PROXIES]
  }
  expect(at('')).toEqual(['http://127.0.0.1:9', '127.0.0.1'])
  expect(at('0.0.0.0')).toEqual(['http://127.0.0.1:9', '127.0.0.1'])
  expect(at('::')).toEqual(['http://127.0.0.1:9', '127.0.0.1'])
  expect(at('::1')).toEqual(['http://[::1]:9', '::1'])
  expect(at('192.0.2.7')).toEqual(['http://192.0.2.7:9', '192.0.2.7'])
  expect(at('localhost')).toEqual(['http://localhost:9', '127.0.0.1,::1'])
  expect(readSettings({ HOST: '::1', GATEWAY_URL: 'http://g:1' }).env.GATEWAY_URL).toBe('http://g:1')
})

test('mistakes are all named: ports out of range, and two ports for the one embedded server', () => {
  expect(() => readSettings({ UI_PORT: '0', GATEWAY_PORT: 'x' })).toThrow(
    /UI_PORT[\s\S]*GATEWAY_PORT|GATEWAY_PORT[\s\S]*UI_PORT/,
  )
  expect(() => readSettings({ ORDERS_DB_PORT: '1', PAYMENTS_DB_PORT: '2' })).toThrow(
    'one server with one port',
  )
})

test('the embedded Kafka is not asked for what it does not speak', () => {
  const secured = { KAFKA_SECURITY_PROTOCOL: 'SASL_SSL' }
  expect(() => readSettings(secured)).toThrow('Set KAFKA_BROKERS')
  expect(readSettings({ ...secured, KAFKA_BROKERS: 'k:9093' }).embeddedKafka).toBeUndefined()
})

test('the services do not learn how others log in to their databases', () => {
  const migrator = { ORDERS_DB_MIGRATOR_PASSWORD: 'secret', ORDERS_DB_ADMIN_PASSWORD: 'of the superuser' }
  const settings = readSettings({ ...migrator, ORDERS_DB_PASSWORD: 'own' })
  expect(settings.env).toMatchObject({ ORDERS_DB_PASSWORD: 'own' })
  expect(Object.keys(settings.env).join()).not.toMatch(/MIGRATOR|ADMIN/)
  expect(settings.migrationEnv).toMatchObject(migrator)
})

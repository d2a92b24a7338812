import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { GatewayConfig } from '../gateway/src/config.ts'
import { DatabasesConfig } from '../migrations/config.ts'
import { OrdersConfig } from '../orders-service/src/config.ts'
import { PaymentsConfig } from '../payments-service/src/config.ts'
import { DoctorConfig } from './doctor/installation.ts'

const lines = readFileSync(new URL('../.env.example', import.meta.url), 'utf8').split('\n')
const listed = new Map(
  lines.flatMap(line => {
    const [, name, value] = /^#?([A-Z_]+)=(.*)$/.exec(line) ?? []
    return name ? [[name, value ?? '']] : []
  }),
)

const schemas = {
  GatewayConfig,
  OrdersConfig,
  PaymentsConfig,
  DatabasesConfig: { properties: DatabasesConfig },
  DoctorConfig,
}

test.each(Object.entries(schemas))(
  '.env.example lists every variable of %s with its default',
  (_, schema) => {
    for (const [name, property] of Object.entries(schema.properties)) {
      expect(listed.keys(), `${name} is missing`).toContain(name)
      const { default: fallback } = property as { default?: unknown }
      const dependsOnTerminal = name === 'LOG_PRETTY'
      if (fallback !== undefined && !dependsOnTerminal) expect(listed.get(name), name).toBe(String(fallback))
    }
  },
)

test('.env.example lists every variable of docker-compose.yml', () => {
  const compose = readFileSync(new URL('../docker-compose.yml', import.meta.url), 'utf8')
  const named = [...compose.matchAll(/(?<!\$)\$\{([A-Z_]+)/g)].map(([, name]) => name)
  expect(named).toContain('GATEWAY_PORT')
  for (const name of named) expect(listed.keys(), `${name} is missing`).toContain(name)
})

test('copied as it is, .env.example changes nothing', () => {
  const set = lines.filter(line => /^[A-Z_]+=/.test(line))
  expect(set).toEqual([])
})

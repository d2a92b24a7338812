import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { GatewayConfig } from '../gateway/src/config.ts'
import { DatabasesConfig } from '../migrations/config.ts'
import { OrdersConfig } from '../orders-service/src/config.ts'
import { PaymentsConfig } from '../payments-service/src/config.ts'

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

test('copied as it is, .env.example changes nothing', () => {
  const set = lines.filter(line => /^[A-Z_]+=/.test(line))
  expect(set).toEqual([])
})

import { CommonConfig, Port, parseConfig } from 'edge/config'
import { OperatorConfig } from 'edge/operator-token'
import { type Static, Type } from 'typebox'

export const UiConfig = Type.Object({
  HOST: CommonConfig.HOST,
  LOG_LEVEL: CommonConfig.LOG_LEVEL,
  LOG_PRETTY: CommonConfig.LOG_PRETTY,
  CURRENCY: CommonConfig.CURRENCY,
  UI_PORT: Port(3000),
  GATEWAY_PORT: Port(8080),
  ORDERS_URL: Type.String({ pattern: '^https?://[^\\s/]+$', default: 'http://127.0.0.1:8081' }),
  PAYMENTS_URL: Type.String({ pattern: '^https?://[^\\s/]+$', default: 'http://127.0.0.1:8082' }),
  ...OperatorConfig,
  OPERATOR_HOST: Type.String({ default: '127.0.0.1' }),
  OPERATOR_PORT: Port(3001),
  GATEWAY_URL: Type.Optional(Type.String({ pattern: '^https?://[^\\s/]+$' })),
  DEV: Type.Boolean({ default: false }),
})

export type UiConfig = Static<typeof UiConfig> & { GATEWAY_URL: string }

/** GATEWAY_URL is where this server, not the browser, finds the gateway. Throws a ConfigError naming every mistake. */
export function readConfig(env: Record<string, string | undefined> = process.env): UiConfig {
  const config = parseConfig(UiConfig, env)
  return { ...config, GATEWAY_URL: config.GATEWAY_URL ?? `http://127.0.0.1:${config.GATEWAY_PORT}` }
}

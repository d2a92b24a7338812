import { existsSync } from 'node:fs'
import { isIP } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CommonConfig, ConfigError, Port, parseConfig } from 'edge/config'
import { hostAndPort } from 'edge/host-and-port'
import { OperatorConfig } from 'edge/operator-token'
import { DatabasesConfig } from 'migrations/config'
import { Type } from 'typebox'
import { gatewayUrlIn, reachedAt } from './gateway-url.ts'

export const projectFolder = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** The jars of Kafka are the same for every system of this clone. */
export const kafkaLibraryFolder = join(projectFolder, '.data/kafka-lib')

const Environment = Type.Object({
  ...CommonConfig,
  ...DatabasesConfig,
  DATA_DIR: Type.String({ default: '.data' }),
  KAFKA_PORT: Port(9092),
  GATEWAY_PORT: Port(8080),
  ORDERS_PORT: Port(8081),
  PAYMENTS_PORT: Port(8082),
  UI_PORT: Port(3000),
  GATEWAY_METRICS_PORT: Port(9464),
  ORDERS_METRICS_PORT: Port(9465),
  PAYMENTS_METRICS_PORT: Port(9466),
  ...OperatorConfig,
  OPERATOR_HOST: Type.String({ default: '127.0.0.1' }),
  OPERATOR_PORT: Port(3001),
})

type Env = Record<string, string | undefined>

export type Settings = {
  dataFolder: string
  logFolder: string
  /** The one file that says what runs on this data. */
  runRecord: string
  /** Undefined where a database or Kafka of your own is used. */
  embeddedPostgres: { port: number; databases: ('ORDERS' | 'PAYMENTS')[] } | undefined
  embeddedKafka: { port: number } | undefined
  /** Where clients on this machine reach what the services bind. */
  host: string
  ports: { gateway: number; orders: number; payments: number; ui: number }
  /** By their variables. On the same host as the services, so on loopback unless told otherwise. */
  metricsPorts: Record<string, number>
  /** Where the UI serves the dead-letter desk; undefined where no OPERATOR_TOKEN is set. */
  desk: { host: string; port: number } | undefined
  /** The whole environment of the services, which do not learn how others log in to their databases. */
  env: Env
  /** Of the migrations. */
  migrationEnv: Env
}

/** Reads `.env` of the project where it is; variables that are set already win. */
export function loadEnvironmentFile(): void {
  const file = join(projectFolder, '.env')
  if (existsSync(file)) process.loadEnvFile(file)
}

/** Throws a ConfigError that names every mistake. */
export function readSettings(env: Env): Settings {
  const config = parseConfig(Environment, env)
  const dataFolder = resolve(projectFolder, config.DATA_DIR)
  const host = reachedAt(config.HOST)
  const ports = {
    gateway: config.GATEWAY_PORT,
    orders: config.ORDERS_PORT,
    payments: config.PAYMENTS_PORT,
    ui: config.UI_PORT,
  }
  const { GATEWAY_METRICS_PORT, ORDERS_METRICS_PORT, PAYMENTS_METRICS_PORT } = config
  const metricsPorts = { GATEWAY_METRICS_PORT, ORDERS_METRICS_PORT, PAYMENTS_METRICS_PORT }
  const databases = (['ORDERS', 'PAYMENTS'] as const).filter(name => !env[`${name}_DB_HOST`])
  const [first, second] = databases.map(name => config[`${name}_DB_PORT`])
  if (first && second && first !== second) {
    throw new ConfigError(
      `ORDERS_DB_PORT is ${first} and PAYMENTS_DB_PORT is ${second}: the embedded PostgreSQL is one server with one port. Set both to the same, or set ORDERS_DB_HOST or PAYMENTS_DB_HOST to a server of your own.`,
    )
  }
  if (!env.KAFKA_BROKERS && config.KAFKA_SECURITY_PROTOCOL !== 'PLAINTEXT') {
    throw new ConfigError(
      `KAFKA_SECURITY_PROTOCOL is ${config.KAFKA_SECURITY_PROTOCOL}, and the embedded Kafka speaks PLAINTEXT. Set KAFKA_BROKERS to the brokers that speak it, or leave KAFKA_SECURITY_PROTOCOL out.`,
    )
  }
  return {
    dataFolder,
    logFolder: join(dataFolder, 'logs'),
    runRecord: join(dataFolder, 'run.json'),
    embeddedPostgres: first ? { port: first, databases } : undefined,
    embeddedKafka: env.KAFKA_BROKERS ? undefined : { port: config.KAFKA_PORT },
    host,
    ports,
    metricsPorts,
    desk: config.OPERATOR_TOKEN ? { host: config.OPERATOR_HOST, port: config.OPERATOR_PORT } : undefined,
    migrationEnv: env,
    env: {
      ...Object.fromEntries(
        Object.entries(env).filter(([name]) => !/_DB_(MIGRATOR|READER|ADMIN)_/.test(name)),
      ),
      LOG_PRETTY: 'false',
      KAFKA_BROKERS: env.KAFKA_BROKERS || `127.0.0.1:${config.KAFKA_PORT}`,
      ORDERS_URL: env.ORDERS_URL || `http://${hostAndPort(host, ports.orders)}`,
      PAYMENTS_URL: env.PAYMENTS_URL || `http://${hostAndPort(host, ports.payments)}`,
      GATEWAY_URL: gatewayUrlIn(env),
      // The UI's server passes browsers' calls on; without this all of them would be one client to the rate limit.
      TRUSTED_PROXIES: env.TRUSTED_PROXIES || (isIP(host) ? host : '127.0.0.1,::1'),
      CORS_ORIGINS: env.CORS_ORIGINS || `http://localhost:${ports.ui},http://127.0.0.1:${ports.ui}`,
      ...Object.fromEntries(Object.entries(metricsPorts).map(([variable, port]) => [variable, String(port)])),
      // Saves each service the parsing of what did not change: 2.1 s for all of them becomes 1.4.
      NODE_COMPILE_CACHE: env.NODE_COMPILE_CACHE || join(dataFolder, 'compile-cache'),
    },
  }
}

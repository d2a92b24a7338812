import { type Static, type TObject, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { Value } from 'typebox/value'

export class ConfigError extends Error {
  override name = 'ConfigError'
}

/**
 * Reads the named variables from `env` and answers the typed configuration. Empty strings count as unset.
 * Throws one ConfigError that names every mistake, so that a person corrects them all in one go.
 */
export function parseConfig<Schema extends TObject>(
  schema: Schema,
  env: Record<string, string | undefined>,
): Static<Schema> {
  const given = Object.fromEntries(
    Object.keys(schema.properties).flatMap(name => (env[name] ? [[name, env[name]]] : [])),
  )
  const config = Value.Convert(schema, Value.Default(schema, given))
  const validator = Compile(schema)
  if (validator.Check(config)) return config
  const mistakes = validator.Errors(config).map(error => {
    const missing = (error.params as { requiredProperties?: string[] }).requiredProperties
    if (missing) return `  ${missing.join(', ')} is not set`
    const name = error.instancePath.slice(1)
    return `  ${name}=${env[name] ?? ''} ${error.message}`
  })
  throw new ConfigError(
    `The configuration has mistakes; correct these variables and start again:\n${mistakes.join('\n')}`,
  )
}

/** Parses, or tells a person what to correct and exits with status 2. For main.ts only. */
export function configOrExit<Schema extends TObject>(schema: Schema): Static<Schema> {
  try {
    return parseConfig(schema, process.env)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exit(2)
  }
}

export const Port = (fallback: number) => Type.Integer({ minimum: 1, maximum: 65_535, default: fallback })

/** Variables that every service reads. */
export const CommonConfig = {
  HOST: Type.String({ default: '127.0.0.1' }),
  LOG_LEVEL: Type.Union(
    (['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const).map(level =>
      Type.Literal(level),
    ),
    { default: 'info' },
  ),
  LOG_PRETTY: Type.Boolean({ default: process.stdout.isTTY === true }),
  CURRENCY: Type.String({ pattern: '^[A-Z]{3}$', default: 'USD' }),
  KAFKA_BROKERS: Type.String({ pattern: '^[^\\s,:]+:\\d+(,[^\\s,:]+:\\d+)*$', default: '127.0.0.1:9092' }),
  KAFKA_REPLICATION: Type.Integer({ minimum: 1, maximum: 32, default: 1 }),
  KAFKA_MIN_INSYNC_REPLICAS: Type.Integer({ minimum: 1, maximum: 32, default: 1 }),
}

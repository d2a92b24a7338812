import { readFileSync } from 'node:fs'
import { type Static, type TObject, type TSchema, Type } from 'typebox'
import { Value } from 'typebox/value'
import { KafkaConfig } from './kafka.ts'

export class ConfigError extends Error {
  override name = 'ConfigError'
}

type MistakesAmong<Schema extends TObject> = (config: Static<Schema>) => string[]

/**
 * Reads the named variables from `env` and answers the typed configuration. Empty strings count as unset. A secret (what
 * is `writeOnly` in the schema) may be in a file instead, as containers hand them out: `NAME_FILE` is its path.
 * Throws one ConfigError that names every mistake, so that a person corrects them all in one go. `mistakesAmong`
 * names what is wrong with variables taken together; others of them may be wrong each by itself.
 */
export function parseConfig<Schema extends TObject>(
  schema: Schema,
  env: Record<string, string | undefined>,
  mistakesAmong: MistakesAmong<Schema> = () => [],
): Static<Schema> {
  const given = Object.fromEntries(
    Object.entries(schema.properties).flatMap(([name, property]) => {
      const text = env[name] || ('writeOnly' in property && textOfFile(`${name}_FILE`, env))
      return text ? [[name, read(property, text)]] : []
    }),
  )
  const config = Value.Default(schema, given)
  const among = mistakesAmong(config as Static<Schema>).map(mistake => `  ${mistake}`)
  if (Value.Check(schema, config) && among.length === 0) return config
  // Each variable on its own: the errors of a whole object stop after eight.
  const mistakes = Object.entries(schema.properties).flatMap(([name, property]) => {
    const value = Object(config)[name]
    if (value === undefined) return schema.required.includes(name) ? [`  ${name} is not set`] : []
    const [error] = Value.Errors(property, value)
    // A secret is not shown, also where it is wrong.
    const shown = 'writeOnly' in property ? name : `${name}=${env[name] ?? ''}`
    return error ? [`  ${shown} ${explain(error)}`] : []
  })
  throw new ConfigError(
    `The configuration has mistakes; correct these variables and start again:\n${[...mistakes, ...among].join('\n')}`,
  )
}

function textOfFile(variable: string, env: Record<string, string | undefined>): string | undefined {
  const path = env[variable]
  if (!path) return undefined
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (error) {
    throw new ConfigError(`${variable}: ${(error as Error).message}. Name a file that this user may read.`)
  }
}

/** Convert would cut 1.5 to the integer 1 without a word. */
function read(property: TSchema, text: string): unknown {
  const { type } = property as { type?: string }
  if (type !== 'integer' && type !== 'number') return Value.Convert(property, text)
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text
}

const explain = ({ keyword, params, message }: ReturnType<typeof Value.Errors>[number]): string =>
  keyword === 'enum'
    ? `must be one of ${(params as { allowedValues: unknown[] }).allowedValues.join(', ')}`
    : message

/** Parses, or tells a person what to correct and exits with status 2. For main.ts only. */
export function configOrExit<Schema extends TObject>(
  schema: Schema,
  mistakesAmong?: MistakesAmong<Schema>,
): Static<Schema> {
  try {
    return parseConfig(schema, process.env, mistakesAmong)
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
  LOG_LEVEL: Type.Enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], { default: 'info' }),
  LOG_PRETTY: Type.Boolean({ default: process.stdout.isTTY === true }),
  CURRENCY: Type.String({ pattern: '^[A-Z]{3}$', default: 'USD' }),
  ...KafkaConfig,
  KAFKA_REPLICATION: Type.Integer({ minimum: 1, maximum: 32, default: 1 }),
  KAFKA_MIN_INSYNC_REPLICAS: Type.Integer({ minimum: 1, maximum: 32, default: 1 }),
}

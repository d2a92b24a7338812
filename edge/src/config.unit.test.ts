import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Type } from 'typebox'
import { expect, onTestFinished, test } from 'vitest'
import { CommonConfig, ConfigError, Port, parseConfig } from './config.ts'
import { OperatorConfig } from './operator-token.ts'

const schema = Type.Object({
  ...CommonConfig,
  PORT: Port(8081),
  HOURS: Type.Integer({ minimum: 1, default: 24 }),
})

test('everything has a default, and an empty variable counts as unset', () => {
  expect(parseConfig(schema, { PORT: '', UNKNOWN: 'x' })).toMatchObject({
    HOST: '127.0.0.1',
    LOG_LEVEL: 'info',
    PORT: 8081,
    HOURS: 24,
    KAFKA_BROKERS: '127.0.0.1:9092',
  })
})

test('text is read as what the schema asks for', () => {
  const config = parseConfig(schema, { PORT: '9000', LOG_PRETTY: 'true', LOG_LEVEL: 'warn' })
  expect(config).toMatchObject({ PORT: 9000, LOG_PRETTY: true, LOG_LEVEL: 'warn' })
})

test('every mistake is named at once, each in one line that says what would be right', () => {
  const wrong = {
    LOG_LEVEL: 'loud',
    LOG_PRETTY: 'perhaps',
    CURRENCY: 'euro',
    KAFKA_BROKERS: 'localhost',
    KAFKA_REPLICATION: '0',
    KAFKA_MIN_INSYNC_REPLICAS: '99',
    PORT: '99999',
    HOURS: '1.5',
  }
  let error: unknown
  try {
    parseConfig(schema, wrong)
  } catch (thrown) {
    error = thrown
  }
  expect(error).toBeInstanceOf(ConfigError)
  const lines = String((error as ConfigError).message)
    .split('\n')
    .slice(1)
  expect(lines.map(line => line.trim().split('=')[0])).toEqual(Object.keys(wrong))
  expect(lines[0]).toBe('  LOG_LEVEL=loud must be one of fatal, error, warn, info, debug, trace, silent')
})

test('a secret that is wrong is named and not shown', () => {
  const read = () => parseConfig(Type.Object(OperatorConfig), { OPERATOR_TOKEN: 'too-short' })
  expect(read).toThrow('  OPERATOR_TOKEN must not have fewer than 16 characters')
  expect(read).not.toThrow('too-short')
})

test('a secret may be in a file; the variable itself wins, and what is no secret has no file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'config-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'token')
  writeFileSync(file, 'sixteen-characters\n')
  const secrets = Type.Object({ ...OperatorConfig, ...CommonConfig })
  expect(parseConfig(secrets, { OPERATOR_TOKEN_FILE: file }).OPERATOR_TOKEN).toBe('sixteen-characters')
  const both = { OPERATOR_TOKEN_FILE: file, OPERATOR_TOKEN: 'another-of-sixteen' }
  expect(parseConfig(secrets, both).OPERATOR_TOKEN).toBe('another-of-sixteen')
  expect(parseConfig(secrets, { HOST_FILE: file }).HOST).toBe('127.0.0.1')
  const missing = { OPERATOR_TOKEN_FILE: join(folder, 'none') }
  expect(() => parseConfig(secrets, missing)).toThrow(/^OPERATOR_TOKEN_FILE: ENOENT.*none'\. Name a file/)
})

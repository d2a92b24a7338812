import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { Type } from 'typebox'
import { afterAll, expect, test } from 'vitest'
import { CommonConfig, ConfigError, parseConfig } from './config.ts'
import { kafkaLogin, kafkaMistakes, kafkaSettings } from './kafka.ts'

const schema = Type.Object({ ...CommonConfig, ...kafkaLogin('ORDERS') })
const read = (env: Record<string, string>) => parseConfig(schema, env, kafkaMistakes('ORDERS'))
const settings = (env: Record<string, string>) => kafkaSettings(read(env), 'ORDERS')
function mistakes(env: Record<string, string>): string[] {
  try {
    read(env)
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.message.split('\n').slice(1)
  }
}

const folder = mkdtempSync(join(tmpdir(), 'kafka-config-'))
afterAll(() => rmSync(folder, { recursive: true }))
function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}
const ca = file('ca.pem', String(rootCertificates[0]))
const { privateKey } = generateKeyPairSync('ed25519')
const key = file('key.pem', String(privateKey.export({ type: 'pkcs8', format: 'pem' })))

test('plain text without a login is the default', () => {
  expect(settings({ KAFKA_BROKERS: 'a:1,b:2' })).toEqual({ brokers: ['a:1', 'b:2'] })
})

test('each protocol has what it names, and the files are read', () => {
  const login = { ORDERS_KAFKA_SASL_USERNAME: 'orders', ORDERS_KAFKA_SASL_PASSWORD: 'secret' }
  expect(settings({ KAFKA_SECURITY_PROTOCOL: 'SSL', KAFKA_SSL_CA_LOCATION: ca })).toMatchObject({
    tls: { ca: rootCertificates[0] },
  })
  expect(settings({ KAFKA_SECURITY_PROTOCOL: 'SASL_SSL', ...login })).toMatchObject({
    tls: {},
    sasl: { mechanism: 'scram-sha-512', username: 'orders', password: 'secret' },
  })
  const plain = settings({
    KAFKA_SECURITY_PROTOCOL: 'SASL_PLAINTEXT',
    KAFKA_SASL_MECHANISM: 'PLAIN',
    ...login,
  })
  expect(plain).toMatchObject({ sasl: { mechanism: 'plain' } })
  expect(plain).not.toHaveProperty('tls')
})

test('every mistake is named at once, and no password is shown', () => {
  const wrong = {
    KAFKA_SECURITY_PROTOCOL: 'SASL_SSL',
    KAFKA_SASL_MECHANISM: 'GSSAPI',
    KAFKA_SSL_CA_LOCATION: key,
    ORDERS_KAFKA_SASL_PASSWORD: 'very secret',
    ORDERS_KAFKA_SSL_CERTIFICATE_LOCATION: join(folder, 'missing'),
  }
  expect(mistakes(wrong)).toEqual([
    '  KAFKA_SASL_MECHANISM=GSSAPI must be one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512',
    expect.stringContaining(`KAFKA_SSL_CA_LOCATION=${key} cannot be read`),
    expect.stringMatching(/ORDERS_KAFKA_SSL_CERTIFICATE_LOCATION=.*missing cannot be read: ENOENT/),
    '  ORDERS_KAFKA_SASL_USERNAME is not set, and is needed with what is',
    '  ORDERS_KAFKA_SSL_KEY_LOCATION is not set, and is needed with what is',
  ])
  expect(mistakes(wrong).join()).not.toContain('very secret')
})

test('a login that would not be used is a mistake: whoever set it takes the connection to be protected', () => {
  expect(
    mistakes({ ORDERS_KAFKA_SASL_USERNAME: 'orders', ORDERS_KAFKA_SSL_CERTIFICATE_LOCATION: ca }),
  ).toEqual([
    expect.stringContaining('ORDERS_KAFKA_SSL_KEY_LOCATION is not set'),
    expect.stringContaining(
      'ORDERS_KAFKA_SASL_USERNAME is set, and KAFKA_SECURITY_PROTOCOL=PLAINTEXT has no use',
    ),
    expect.stringContaining('ORDERS_KAFKA_SSL_CERTIFICATE_LOCATION is set'),
  ])
})

test('the key of another certificate is a mistake', () => {
  const pair = { ORDERS_KAFKA_SSL_CERTIFICATE_LOCATION: ca, ORDERS_KAFKA_SSL_KEY_LOCATION: key }
  expect(mistakes({ KAFKA_SECURITY_PROTOCOL: 'SSL', ...pair })).toEqual([
    '  ORDERS_KAFKA_SSL_KEY_LOCATION is the key of another certificate',
  ])
})

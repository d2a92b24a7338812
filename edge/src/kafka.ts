import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type Static, type TObject, Type } from 'typebox'

const certificateIn = (path: string) => new X509Certificate(readFileSync(path))
const keyIn = (path: string) => createPrivateKey(readFileSync(path))

/** The path of a PEM file that `parse` can read. */
function PemFile(parse: (path: string) => unknown) {
  const mistakeIn = (path: string): string | undefined => {
    try {
      parse(path)
      return undefined
    } catch (error) {
      return `cannot be read: ${(error as Error).message}`
    }
  }
  const isRight = (path: string) => mistakeIn(path) === undefined
  return Type.Optional(Type.Refine(Type.String(), isRight, path => String(mistakeIn(path))))
}

/** Variables of every client of Kafka, named as librdkafka names its settings. */
export const KafkaConfig = {
  KAFKA_BROKERS: Type.String({ pattern: '^[^\\s,:]+:\\d+(,[^\\s,:]+:\\d+)*$', default: '127.0.0.1:9092' }),
  KAFKA_SECURITY_PROTOCOL: Type.Enum(['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'], {
    default: 'PLAINTEXT',
  }),
  KAFKA_SASL_MECHANISM: Type.Enum(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'], { default: 'SCRAM-SHA-512' }),
  /** Authorities that may vouch for a broker; without it, those that Node trusts. */
  KAFKA_SSL_CA_LOCATION: PemFile(certificateIn),
}

type KafkaConfig = Static<TObject<typeof KafkaConfig>>
type LoginName = 'SASL_USERNAME' | 'SASL_PASSWORD' | 'SSL_CERTIFICATE_LOCATION' | 'SSL_KEY_LOCATION'

/** Who one service is to the brokers: `ORDERS_KAFKA_SASL_USERNAME` and the like. */
export const kafkaLogin = <Prefix extends string>(prefix: Prefix) =>
  ({
    [`${prefix}_KAFKA_SASL_USERNAME`]: Type.Optional(Type.String()),
    [`${prefix}_KAFKA_SASL_PASSWORD`]: Type.Optional(Type.String({ writeOnly: true })),
    [`${prefix}_KAFKA_SSL_CERTIFICATE_LOCATION`]: PemFile(certificateIn),
    [`${prefix}_KAFKA_SSL_KEY_LOCATION`]: PemFile(keyIn),
  }) as Record<`${Prefix}_KAFKA_${LoginName}`, ReturnType<typeof PemFile>>

/** The brokers, and how to prove to them who we are, as openKafka takes it. Reads the files. */
export function kafkaSettings(config: KafkaConfig, prefix: string) {
  const { isEncrypted, hasPassword, own } = read(config, prefix)
  const text = (path: string | undefined) => path && readFileSync(path, 'utf8')
  const tls = {
    ca: text(config.KAFKA_SSL_CA_LOCATION),
    cert: text(own('SSL_CERTIFICATE_LOCATION')),
    key: text(own('SSL_KEY_LOCATION')),
  }
  const sasl = {
    mechanism: mechanisms[config.KAFKA_SASL_MECHANISM],
    username: own('SASL_USERNAME') ?? '',
    password: own('SASL_PASSWORD') ?? '',
  }
  const brokers = config.KAFKA_BROKERS.split(',')
  return { brokers, ...(isEncrypted && { tls }), ...(hasPassword && { sasl }) }
}

const mechanisms = {
  PLAIN: 'plain',
  'SCRAM-SHA-256': 'scram-sha-256',
  'SCRAM-SHA-512': 'scram-sha-512',
} as const

/** For parseConfig: what is wrong among variables that are right each by itself. */
export const kafkaMistakes = (prefix: string) => (config: KafkaConfig) => {
  const { isEncrypted, hasPassword, own } = read(config, prefix)
  const login: LoginName[] = ['SASL_USERNAME', 'SASL_PASSWORD']
  const pair: LoginName[] = ['SSL_CERTIFICATE_LOCATION', 'SSL_KEY_LOCATION']
  const missing = [...(hasPassword ? login : []), ...(pair.some(own) ? pair : [])].filter(name => !own(name))
  const useless = [...(hasPassword ? [] : login), ...(isEncrypted ? [] : pair)].filter(own)
  const protocol = `KAFKA_SECURITY_PROTOCOL=${config.KAFKA_SECURITY_PROTOCOL}`
  const certificate = own('SSL_CERTIFICATE_LOCATION')
  const key = own('SSL_KEY_LOCATION')
  return [
    ...missing.map(name => `${prefix}_KAFKA_${name} is not set, and is needed with what is`),
    ...useless.map(name => `${prefix}_KAFKA_${name} is set, and ${protocol} has no use for it`),
    ...(certificate && key && areStrangers(certificate, key)
      ? [`${prefix}_KAFKA_SSL_KEY_LOCATION is the key of another certificate`]
      : []),
  ]
}

function read(config: KafkaConfig, prefix: string) {
  const protocol = config.KAFKA_SECURITY_PROTOCOL
  return {
    isEncrypted: protocol.endsWith('SSL'),
    hasPassword: protocol.startsWith('SASL'),
    own: (name: LoginName): string | undefined => Object(config)[`${prefix}_KAFKA_${name}`],
  }
}

/** False also for what cannot be read, which is told of by itself. */
function areStrangers(certificate: string, key: string): boolean {
  try {
    return !certificateIn(certificate).checkPrivateKey(keyIn(key))
  } catch {
    return false
  }
}

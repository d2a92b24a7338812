import { freePort } from '../infrastructure/ports.ts'
import { startEmbeddedKafka, type TestKafka } from './servers.ts'

type Mechanism = 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
type Guard = {
  protocol: 'SASL_SSL' | 'SASL_PLAINTEXT'
  mechanisms: Mechanism[]
  /** Passwords by user. */
  passwords: Record<string, string>
  /** Of the broker, besides. */
  properties?: Record<string, string>
}

/** `brokers` asks who is there; `adminBrokers` is the door of who administers, on this machine only. */
export type GuardedKafka = TestKafka & { adminBrokers: string[] }

/** Started and ready. Runs from its jars only, since it is set in the broker itself. */
export async function startGuardedKafka(guard: Guard): Promise<GuardedKafka> {
  const { protocol, mechanisms, passwords, properties: more } = guard
  const [port, guardedPort] = await Promise.all([freePort(), freePort()])
  const kafka = await startEmbeddedKafka({
    port,
    formatOptions: mechanisms.filter(isScram).flatMap(mechanism => scramUsers(mechanism, passwords)),
    moreProperties: properties => ({
      listeners: `${properties.listeners},CLIENTS://127.0.0.1:${guardedPort}`,
      'advertised.listeners': `${properties['advertised.listeners']},CLIENTS://127.0.0.1:${guardedPort}`,
      'listener.security.protocol.map': `${properties['listener.security.protocol.map']},CLIENTS:${protocol}`,
      'sasl.enabled.mechanisms': mechanisms.join(','),
      ...Object.fromEntries(
        mechanisms.map(mechanism => [
          `listener.name.clients.${mechanism.toLowerCase()}.sasl.jaas.config`,
          `org.apache.kafka.common.security.${isScram(mechanism) ? 'scram.ScramLoginModule required' : plainUsers(passwords)};`,
        ]),
      ),
      ...more,
    }),
  })
  return { ...kafka, brokers: [`127.0.0.1:${guardedPort}`], adminBrokers: kafka.brokers }
}

const isScram = (mechanism: Mechanism) => mechanism !== 'PLAIN'

/** For the tool that formats: users of these mechanisms are part of a cluster's data. */
const scramUsers = (mechanism: Mechanism, passwords: Record<string, string>): string[] =>
  Object.entries(passwords).flatMap(([name, password]) => [
    '--add-scram',
    `${mechanism}=[name=${name},password=${password}]`,
  ])

const plainUsers = (passwords: Record<string, string>): string => {
  const users = Object.entries(passwords).map(([name, password]) => `user_${name}="${password}"`)
  return `plain.PlainLoginModule required ${users.join(' ')}`
}

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import {
  type AclEntry,
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  Kafka,
  logLevel,
  ResourcePatternTypes,
} from 'kafkajs'
import { findKafkaRuntime } from 'scripts/infrastructure/kafka-runtime'
import { run } from 'scripts/infrastructure/run-command'
import { kafkaLibraryFolder } from 'scripts/system/settings'
import { type GuardedKafka, startGuardedKafka } from 'scripts/testing/guarded-kafka'

const users = ['orders-service', 'payments-service', 'gateway'] as const
export type User = (typeof users)[number]

export type SecuredKafka = GuardedKafka & {
  caFile: string
  passwordOf(user: User): string
}

/** A broker as docs/security.md sets it up: its listener, its authorizer, its users and their ACLs. */
export async function startSecuredKafka(): Promise<SecuredKafka> {
  const folder = await mkdtemp(join(tmpdir(), 'secured-kafka-'))
  const secret = 'store-secret'
  const { keyStore, caFile } = await makeCertificate(folder, secret)
  const passwordOf = (user: User) => `password-of-${user}`
  const kafka = await startGuardedKafka({
    protocol: 'SASL_SSL',
    mechanisms: ['SCRAM-SHA-512'],
    passwords: Object.fromEntries(users.map(user => [user, passwordOf(user)])),
    properties: {
      'ssl.keystore.location': keyStore,
      'ssl.keystore.password': secret,
      'ssl.keystore.type': 'PKCS12',
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'allow.everyone.if.no.acl.found': 'false',
      'super.users': 'User:ANONYMOUS',
    },
  })
  return {
    ...kafka,
    caFile,
    passwordOf,
    async remove() {
      await kafka.remove()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Signed by itself, so it is its own authority. Java brings the tool. */
async function makeCertificate(folder: string, secret: string) {
  const runtime = await findKafkaRuntime(kafkaLibraryFolder, () => undefined)
  const keytool = runtime.kind === 'java' ? join(dirname(runtime.java), 'keytool') : 'keytool'
  const keyStore = join(folder, 'broker.p12')
  const caFile = join(folder, 'ca.pem')
  const store = ['-alias', 'broker', '-keystore', keyStore, '-storepass', secret]
  const name = ['-dname', 'CN=127.0.0.1', '-ext', 'san=ip:127.0.0.1', '-ext', 'bc:c=ca:true']
  await run(keytool, [
    '-genkeypair',
    '-keyalg',
    'EC',
    '-storetype',
    'PKCS12',
    '-validity',
    '2',
    ...store,
    ...name,
  ])
  await run(keytool, ['-exportcert', '-rfc', '-file', caFile, ...store])
  return { keyStore, caFile }
}

/** Makes the topics, and gives the users what the `acl` lines of docs/security.md give them. */
export async function administer({ adminBrokers }: SecuredKafka, topics: string[]): Promise<void> {
  const admin = new Kafka({ brokers: adminBrokers, logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    await admin.createTopics({
      waitForLeaders: true,
      topics: topics.map(topic => ({ topic, numPartitions: 6 })),
    })
    await admin.createAcls({ acl: await readAcls() })
  } finally {
    await admin.disconnect()
  }
}

const operations = { Read: AclOperationTypes.READ, Write: AclOperationTypes.WRITE }
const resources = { topic: AclResourceTypes.TOPIC, group: AclResourceTypes.GROUP }

async function readAcls(): Promise<AclEntry[]> {
  const page = await readFile(new URL('../docs/security.md', import.meta.url), 'utf8')
  return [...page.matchAll(/^acl (.*)$/gm)].flatMap(([, line = '']) => {
    const user = /--allow-principal (\S+)/.exec(line)?.[1]
    const operation = operations[/--operation (\S+)/.exec(line)?.[1] as keyof typeof operations]
    if (!user || !operation)
      throw new Error(`docs/security.md has an acl line that nobody understands: ${line}`)
    return [...line.matchAll(/--(topic|group) (\S+)/g)].map(([, kind, resourceName = '']) => ({
      resourceType: resources[kind as keyof typeof resources],
      resourceName,
      resourcePatternType: line.includes('--resource-pattern-type prefixed')
        ? ResourcePatternTypes.PREFIXED
        : ResourcePatternTypes.LITERAL,
      principal: user,
      host: '*',
      operation,
      permissionType: AclPermissionTypes.ALLOW,
    }))
  })
}

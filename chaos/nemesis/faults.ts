import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { Draw } from '../random.ts'
import type { ChaosSystem } from '../system/chaos-system.ts'
import type { Instance } from '../system/instance.ts'
import { poison, redeliver } from './inject-messages.ts'
import type { PlannedFault } from './plan.ts'

export type FaultContext = { system: ChaosSystem; users: number[]; draw: Draw }
export type Heal = () => Promise<void>

const serverDownMs = 1_000
const backendsEveryMs = 200

/** Breaks it; resolves with what heals it. Throws when it cannot be broken just now. */
export async function beginFault(fault: PlannedFault, context: FaultContext): Promise<Heal> {
  const { system, draw } = context
  switch (fault.kind) {
    case 'network': {
      const proxy = system.proxies[fault.wire]
      proxy.inject(fault.fault)
      return async () => proxy.heal()
    }
    case 'kill': {
      const instance = find(system, fault)
      await instance.kill()
      return () => instance.spawn()
    }
    case 'stop': {
      const instance = find(system, fault)
      const ending = instance.stop()
      return async () => {
        await ending
        await instance.spawn()
      }
    }
    case 'freeze': {
      const instance = find(system, fault)
      instance.freeze()
      return async () => instance.thaw()
    }
    case 'shift_clock': {
      const instance = find(system, fault)
      instance.shiftClock(fault.seconds * 1000)
      return async () => instance.shiftClock(0)
    }
    case 'rebalance_storm':
      return beginStorm(await system.makeInstance(fault.service), draw)
    case 'restart_postgres':
      return restart(system.postgres, fault.how)
    case 'restart_kafka':
      return restart(system.kafka, fault.how)
    case 'terminate_backends':
      await terminateBackends(system, fault)
      return async () => undefined
    case 'long_transaction':
      return holdTransaction(system, fault)
    case 'full_disk': {
      const disk = system.diskOf(fault.service)
      await disk.fill()
      return () => disk.free()
    }
    case 'redeliver':
      await redeliver(system.brokers, fault, draw)
      return async () => undefined
    case 'poison':
      await poison(system.brokers, fault, context.users, draw)
      return async () => undefined
  }
}

function find(system: ChaosSystem, { service, number }: { service: string; number: number }): Instance {
  const instance = system.instances.find(other => other.service === service && other.number === number)
  if (!instance) throw new Error(`there is no ${service}-${number}`)
  return instance
}

async function restart(
  server: { kill(): Promise<void>; stop(): Promise<void>; start(): Promise<void> },
  how: 'kill' | 'stop',
): Promise<Heal> {
  await server[how]()
  return async () => {
    await sleep(serverDownMs)
    await server.start()
  }
}

/** One more member of the group comes and goes, now orderly, now not. */
function beginStorm(instance: Instance, draw: Draw): Heal {
  const calm = new AbortController()
  async function storm(): Promise<void> {
    while (!calm.signal.aborted) {
      await instance.spawn()
      await sleep(draw.between(1_500, 5_000), undefined, { signal: calm.signal }).catch(() => undefined)
      await (draw.chance(0.5) ? instance.kill() : instance.stop())
    }
  }
  const storming = storm()
  return async () => {
    calm.abort()
    await storming
  }
}

async function terminateBackends(
  system: ChaosSystem,
  { service, times }: Extract<PlannedFault, { kind: 'terminate_backends' }>,
): Promise<void> {
  const client = await connect({ ...system.superuser, database: 'postgres' })
  try {
    for (let i = 0; i < times; i++) {
      await client.query(
        `select pg_terminate_backend(pid) from (
           select pid from pg_stat_activity where datname = $1 and pid <> pg_backend_pid() order by random() limit 3
         ) victims`,
        [system.databases[service].database],
      )
      await sleep(backendsEveryMs)
    }
  } finally {
    await client.end()
  }
}

/** One with a transaction id, so that every snapshot taken meanwhile has it in progress. */
async function holdTransaction(
  system: ChaosSystem,
  { service }: Extract<PlannedFault, { kind: 'long_transaction' }>,
): Promise<Heal> {
  const client = await connect(system.databases[service])
  await client.query('begin')
  await client.query('select pg_current_xact_id()')
  return async () => {
    await client.query('commit').catch(() => undefined)
    await client.end().catch(() => undefined)
  }
}

async function connect(address: pg.ClientConfig): Promise<pg.Client> {
  const client = new pg.Client({ ...address, connectionTimeoutMillis: 5_000, application_name: 'chaos' })
  client.on('error', () => undefined)
  await client.connect()
  return client
}

import { setTimeout as sleep } from 'node:timers/promises'
import { check } from 'chaos/checker/check'
import { settle } from 'chaos/checker/settle'
import { Customers } from 'chaos/load/customers'
import { History } from 'chaos/load/history'
import { Disk, type MountRefusedError, unlessMounted } from 'chaos/system/disk'
import pg from 'pg'
import { startSystem } from 'scripts/test-infrastructure'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

type System = Awaited<ReturnType<typeof startSystem>> & Awaited<ReturnType<typeof startPrivateSystem>>
const startPrivateSystem = () => startSystem({ private: true, privatePostgres: true })
const names = ['orders', 'payments', 'gateway'] as const

let system: System
const disks = new Map<string, Disk | MountRefusedError>()
beforeAll(async () => {
  system = (await startPrivateSystem()) as System
  for (const name of ['orders', 'payments'] as const) {
    const { database } = system.databases[name]
    disks.set(name, await Disk.open(system.postgres!.address, database).catch(unlessMounted))
  }
})
afterAll(async () => {
  await system?.stop()
  for (const disk of disks.values()) if (disk instanceof Disk) await disk.remove()
})

type Load = { customers: Customers; history: History; untilMore: (orders: number) => Promise<void> }

/** Customers place orders before, while and after; in the end all that they were told is compared with all there is. */
async function underLoad(fault: (load: Load) => Promise<void>): Promise<void> {
  const history = new History()
  const { gatewayUrl } = system
  const customers = new Customers({ gatewayUrl, history, seed: 1, customers: 8, rate: 200 })
  const untilMore = async (orders: number) => {
    const before = customers.acknowledged
    await expect.poll(() => customers.acknowledged - before, { timeout: 60_000 }).toBeGreaterThan(orders)
  }
  await customers.enter()
  await untilMore(100)
  await fault({ customers, history, untilMore })
  const healedAt = Date.now()
  history.add({ mark: 'healed', at: healedAt })
  await untilMore(100)
  await customers.leave()
  const { state } = await settle(system, history, customers.users, healedAt)
  expect(check(history, state)).toEqual([])
}

test('without any fault, every acknowledged order is settled once, in order', () => underLoad(async () => {}))

for (const name of names) {
  test(`${name}, killed in mid-stream and started again: nothing is lost or doubled`, () =>
    underLoad(async () => {
      expect(await system.services[name].kill('SIGKILL')).toMatchObject({ signal: 'SIGKILL' })
      await system.services[name].start()
    }))

  test(`${name}, told to end under load: exit 0 within 10 s, and nothing unfinished is lost`, () =>
    underLoad(async () => {
      expect(await endInTime(name)).toBe('with 0, in time')
      await system.services[name].start()
    }))
}

async function endInTime(name: (typeof names)[number]): Promise<string> {
  const began = performance.now()
  const { code } = await system.services[name].kill('SIGTERM')
  return `with ${code}, ${performance.now() - began < 10_000 ? 'in time' : 'too late'}`
}

test('Postgres killed in mid-stream and started again: work resumes without help', () =>
  underLoad(async () => {
    await system.postgres?.kill()
    await sleep(500)
    await system.postgres?.start()
  }))

test('Kafka killed in mid-stream and started again: work resumes without help', () =>
  underLoad(async () => {
    await system.kafka.kill()
    await sleep(500)
    await system.kafka.start()
  }))

test('while the broker is down orders are accepted, and they settle once it is back', () =>
  underLoad(async ({ history, untilMore }) => {
    await system.kafka.stop()
    const from = Date.now()
    await untilMore(50)
    const meanwhile = history.attempts.filter(attempt => attempt.from > from)
    expect(meanwhile.filter(({ act, outcome }) => act === 'place_order' && outcome !== 'ok')).toEqual([])
    await system.kafka.start()
  }))

test('told to end while the broker is down, the services end with 0 within 10 s and go on later', () =>
  underLoad(async () => {
    await system.kafka.stop()
    expect(await Promise.all(names.map(endInTime))).toEqual(Array(3).fill('with 0, in time'))
    await system.kafka.start()
    for (const name of names) await system.services[name].start()
  }))

describe.each(['orders', 'payments'] as const)('while the disk of %s is full', name => {
  test('requests are told to come again, no message is put aside, and all is settled afterwards', ({
    skip,
  }) => {
    const disk = disks.get(name)
    if (!(disk instanceof Disk)) return skip(disk?.message)
    return underLoad(async ({ history, untilMore }) => {
      // Nothing is placed on a full disk, so what is to fail there must be on its way before.
      const release = await holdPayments()
      let from = 0
      const answers = () => history.attempts.filter(attempt => attempt.from > from).map(({ why }) => why)
      const retries = () => system.services[name].logs().filter(isRetryOf(from))
      try {
        await untilMore(100)
        from = Date.now()
        await disk.fill()
        await release()
        await expect
          .poll(() => answers().filter(why => why === '503 unavailable').length, { timeout: 60_000 })
          .toBeGreaterThan(5)
        await expect.poll(() => retries().length, { timeout: 60_000 }).toBeGreaterThan(5)
      } finally {
        await release()
        await disk.free()
      }
      expect(answers().filter(why => why?.startsWith('5') && why !== '503 unavailable')).toEqual([])
    })
  })
})

/** No order is paid until the answer is called; balances change as before. */
async function holdPayments(): Promise<() => Promise<void>> {
  const session = new pg.Client(system.databases.payments.owner)
  await session.connect()
  await session.query('begin; lock table inbox in share row exclusive mode')
  return () => session.end()
}

/** Of a batch that PostgreSQL had no room for: more often than a poison message is tried. */
const isRetryOf = (from: number) => (line: string) => {
  const { time, err, msg } = JSON.parse(line)
  return time > from && err?.code === '53100' && msg.startsWith('cannot handle messages now')
}

import { FaultProxy } from 'chaos/network/fault-proxy'
import pg from 'pg'
import { freePort } from 'scripts/infrastructure/ports'
import { testDatabase } from 'scripts/test-infrastructure'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { leaveWhenSilent } from './silent-connection.ts'

const silenceMs = 1_000
let database: Awaited<ReturnType<typeof testDatabase>>
let proxy: FaultProxy
let pool: pg.Pool
beforeAll(async () => {
  database = await testDatabase('orders')
  proxy = new FaultProxy({ port: await freePort(), targets: [database.port], random: () => 0 })
  await proxy.listen()
  pool = new pg.Pool({ ...database, port: proxy.port, max: 1 })
  pool.on('error', () => {})
  pool.on('connect', client => {
    client.on('error', () => {})
    leaveWhenSilent(client, silenceMs)
  })
})
afterAll(async () => {
  await pool.end()
  await proxy.close()
  await database.drop()
})

test('a connection whose other end has gone without a word fails what is asked on it, and the next one works', async () => {
  await pool.query('select 1')
  proxy.inject({ kind: 'half_open' })
  proxy.heal()
  await expect(pool.query('select 2')).rejects.toMatchObject({ code: 'ETIMEDOUT' })
  expect((await pool.query('select 3 as n')).rows).toEqual([{ n: 3 }])
})

test('one that is idle, or has rows to send for longer than that, is left alone', async () => {
  const pid = async () => (await pool.query('select pg_backend_pid() as pid')).rows[0].pid
  const before = await pid()
  await pool.query('select pg_sleep(0.5)')
  await pool.query("select repeat('x', 200000), pg_sleep(0.15) from generate_series(1, 10)")
  await new Promise(resolve => setTimeout(resolve, 2 * silenceMs))
  expect(await pid()).toBe(before)
})

import { setTimeout as sleep } from 'node:timers/promises'
import type { PoolClient } from 'pg'
import { expect, test } from 'vitest'
import { openRelayFixture, quiet } from './relay-fixture.ts'
import { PeerWaker } from './wake.ts'

test('a session that breaks as it begins to listen is given back', async () => {
  const outbox = await openRelayFixture()
  const { pool } = outbox.openPool()
  const cut = (client: PoolClient) =>
    (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy()
  pool.once('acquire', cut)
  const waker = new PeerWaker(pool, 'relay_outbox', () => {}, quiet, 10)
  await sleep(200)
  await waker.close()
  const ended = pool.end().then(() => 'ended')
  expect(await Promise.race([ended, sleep(2_000)])).toBe('ended')
  await outbox.close()
})

test('a database that says nothing is not waited for when it closes', async () => {
  const outbox = await openRelayFixture()
  const { pool } = outbox.openPool()
  const held = await Promise.all(Array.from({ length: 20 }, () => pool.connect()))
  const waker = new PeerWaker(pool, 'relay_outbox', () => {}, quiet)
  waker.notify()
  const closed = waker.close().then(() => 'closed')
  expect(await Promise.race([closed, sleep(2_000)])).toBe('closed')
  for (const client of held) client.release()
  await outbox.close()
})

import { afterEach, beforeEach, expect, test } from 'vitest'
import { countOpenDeadLetters, readOutboxBacklog } from './backlog.ts'
import { openRelayFixture, type RelayFixture, relayAll } from './relay-fixture.ts'

let outbox: RelayFixture
beforeEach(async () => {
  outbox = await openRelayFixture()
})
afterEach(() => outbox.close())

const backlog = (countMax = 1_000) => readOutboxBacklog(outbox.db, { settledMs: 0, countMax })

test('before any relay has run, everything waits', async () => {
  expect(await backlog()).toEqual({ waiting: 0, oldestAgeMs: null, isCapped: false })
  await outbox.append('a', 1, 2, 3)
  expect(await backlog()).toMatchObject({ waiting: 3, oldestAgeMs: expect.any(Number), isCapped: false })
})

test('what is published and stored as such waits no longer, and what came after it does', async () => {
  const relay = outbox.openRelay({ cursorIntervalMs: 0 })
  await outbox.append('a', 1, 2)
  await relayAll(relay)
  expect((await backlog()).waiting).toBe(0)
  await outbox.append('a', 3)
  expect((await backlog()).waiting).toBe(1)
})

test('a transaction that was open when the relay passed by waits once it has committed', async () => {
  const late = await outbox.pool.connect()
  await late.query('begin')
  await late.query(
    `insert into outbox (aggregate_type, aggregate_id, event_type, topic, key, payload)
     values ('parcel', 'late', 'parcel.scanned', '${outbox.topic}', 'late', '{}')`,
  )
  const relay = outbox.openRelay({ cursorIntervalMs: 0 })
  await outbox.append('a', 1)
  await relayAll(relay)
  expect((await backlog()).waiting).toBe(0)
  await late.query('commit')
  late.release()
  expect((await backlog()).waiting).toBe(1)
})

test('within a window that is half published, only the other half waits', async () => {
  const relay = outbox.openRelay({ cursorIntervalMs: 0, batchSize: 2 })
  await outbox.append('a', 1, 2, 3)
  expect(await relay.relayOnce()).toMatchObject({ kind: 'published', rows: 2 })
  expect((await backlog()).waiting).toBe(1)
})

test('counting stops at its bound and says so', async () => {
  await outbox.append('a', 1, 2, 3)
  expect(await backlog(2)).toMatchObject({ waiting: 2, isCapped: true })
})

test('dead letters count as long as they are open', async () => {
  await outbox.query(
    `insert into dead_letters (consumer, event_id, topic, "partition", "offset", headers, published_at, state)
     select 'c', state, 't', 0, 0, '{}', now(), state from unnest('{parked,waiting,redriven,discarded}'::text[]) as state`,
  )
  expect(await countOpenDeadLetters(outbox.db)).toEqual({ parked: 1, waiting: 1 })
})

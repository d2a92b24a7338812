import { Lane } from '../engine/lane.ts'
import { ownRelay } from '../engine/own-relay.ts'
import type { RelayUnderTest } from '../engine/relay-under-test.ts'
import type { Bench, Section } from '../harness/section.ts'
import { claimAndDelete } from './claim-and-delete/claim-and-delete.ts'
import { debeziumAsShipped, debeziumTuned } from './debezium/debezium.ts'
import { commitToConsumer, drain, type Pace, writes } from './measure-peers.ts'
import { pgTransactionalOutbox } from './pg-transactional-outbox/pg-transactional-outbox.ts'

/** As a service that only appends would have it: nobody wakes the relay. */
const ownRelayApart: RelayUnderTest = {
  ...ownRelay,
  name: 'ours, in a process of its own',
  async open(place) {
    const { append: _, ...apart } = await ownRelay.open(place)
    return apart
  },
}

/** A JVM drains at half its speed until it has compiled what it runs. */
const jvmWarmUps = 6

/** Those that take minutes for what the others take a second for, and what they get. */
const slow: { relay: RelayUnderTest; rows: number }[] = [
  { relay: debeziumAsShipped, rows: 100_000 },
  { relay: pgTransactionalOutbox('polling'), rows: 300 },
  { relay: pgTransactionalOutbox('polling, tuned'), rows: 1_000 },
  { relay: pgTransactionalOutbox('replication'), rows: 3_000 },
  { relay: pgTransactionalOutbox('replication, segmented'), rows: 3_000 },
]

export const peers: Section = {
  name: 'peers',
  about:
    'Other relays and ours, on the same messages of 120 bytes, 6 partitions, acks=all and durable PostgreSQL with wal_level = logical.',
  isOptional: true,
  needsLogicalWal: true,
  async run(bench) {
    await withLanes(bench, [debeziumTuned, claimAndDelete, ownRelayApart, ownRelay], compare)
    for (const { relay, rows } of slow) {
      await withLanes(bench, [relay], async ([lane]) => {
        const drained = bench.choose({ quick: Math.min(rows, 300), usual: rows })
        await bench.measure(drain(bench, lane!, drained, 1))
        const seconds = bench.choose({ quick: 3, usual: 10 })
        await bench.measure(commitToConsumer(bench, lane!, { perSecond: 100, seconds }))
        await bench.measure(writes(bench, lane!, seconds))
      })
    }
  },
}

async function compare(lanes: Lane[], bench: Bench): Promise<void> {
  for (const [i, rows] of bench.choose({ quick: [20_000], usual: [100_000, 500_000] }).entries()) {
    const warmUps = (lane: Lane) => (i > 0 ? 0 : lane.name === debeziumTuned.name ? jvmWarmUps : 1)
    await bench.measure(...lanes.map(lane => drain(bench, lane, rows, warmUps(lane))))
  }
  const seconds = bench.choose({ quick: 3, usual: 15 })
  const paces: Pace[] = [
    { perSecond: 100, seconds },
    { perSecond: 2_000, seconds },
    { perSecond: 2_000, seconds: bench.choose({ quick: 3, usual: 60 }), isHeld: true },
  ]
  for (const pace of paces) await bench.measure(...lanes.map(lane => commitToConsumer(bench, lane, pace)))
  await bench.measure(...lanes.map(lane => writes(bench, lane, seconds)))
}

async function withLanes(
  bench: Bench,
  relays: RelayUnderTest[],
  act: (lanes: Lane[], bench: Bench) => Promise<void>,
): Promise<void> {
  const lanes: Lane[] = []
  try {
    for (const relay of relays) lanes.push(await Lane.open(bench.servers, relay))
    await act(lanes, bench)
  } finally {
    for (const lane of lanes) await lane.close()
  }
}

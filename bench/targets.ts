import type { FigureName, Target } from './harness/targets.ts'

const pgbench: FigureName = 'end-to-end/pgbench, one order a transaction, 32 connections/rate'
const heldBefore = 'engine/commit to consumer, 2,000/s, no transaction held'
const heldFor = (seconds: number) =>
  `engine/commit to consumer, 2,000/s, a transaction held for ${seconds} s, its last third`

/** Ratios within one run, so that they mean the same on another machine; times are for two cores. */
export const targets: Target[] = [
  {
    about: 'Relay: drain of 500,000 rows over a warm, tuned Debezium',
    of: 'peers/ours: drain of 500,000 rows/published',
    over: 'peers/Debezium, tuned: drain of 500,000 rows/published',
    must: 1.4,
    aim: 2,
  },
  {
    about: 'settled, directly at orders-service, over pgbench',
    of: 'end-to-end/at orders-service, 128 connections/settled',
    over: pgbench,
    must: 0.5,
    aim: 1,
  },
  {
    about: 'settled, through the gateway, over pgbench',
    of: 'end-to-end/at gateway, 128 connections/settled',
    over: pgbench,
    must: 0.4,
    aim: 0.8,
  },
  ...latency('POST to settled at 100/s', 'end-to-end/POST to settled, 100/s', [8, 5], [30, 15]),
  ...latency('POST to settled at 1,000/s', 'end-to-end/POST to settled, 1,000/s', [15, 8], [50, 30]),
  ...latency('commit to consumer at 100/s', 'engine/ours: commit to consumer, 100/s', [4, 2], [12, 6]),
  {
    about: 'dead tuples per message from publishing',
    of: 'engine/ours: what publishing writes, 100/s/dead tuples',
    must: 0,
    aim: 0,
  },
  {
    about: 'WAL per message by the relay at 100/s, beyond the insert',
    of: 'engine/ours: what publishing writes, 100/s/WAL beyond the insert',
    must: 60,
    aim: 20,
  },
  ...[60, 300].flatMap((seconds): Target[] => [
    {
      about: `p50 with a transaction held for ${seconds} s, over without`,
      of: `${heldFor(seconds)}/p50` as FigureName,
      over: `${heldBefore}/p50` as FigureName,
      must: 1.25,
      aim: 1.05,
    },
  ]),
  {
    about: 'one hot account over 1,000 accounts',
    of: 'end-to-end/one hot account/settled',
    over: 'end-to-end/1000 accounts/settled',
    must: 0.7,
    aim: 0.9,
  },
  ...['orders-service', 'payments-service', 'gateway'].map(
    (service): Target => ({
      about: `resident memory of ${service} under full load`,
      of: `end-to-end/full load at gateway, 128 connections/${service}: memory`,
      must: 200,
      aim: 150,
    }),
  ),
  ...[
    'GET /orders',
    'GET /orders?status=CANCELLED',
    'GET /orders/user/{id}',
    'GET /users',
    'GET /users/{id}/ledger',
  ].flatMap(call =>
    [1_000_000, 10_000_000].map(
      (rows): Target => ({
        about: `${call} at ${rows.toLocaleString('en-US')} orders over 10,000`,
        of: `growth/${call}, ${rows.toLocaleString('en-US')} orders/p50`,
        over: `growth/${call}, 10,000 orders/p50`,
        must: 2,
        aim: 1.2,
      }),
    ),
  ),
]

type Bounds = [must: number, aim: number]
function latency(about: string, scenario: string, p50: Bounds, p99: Bounds): Target[] {
  return [
    { about: `${about}, p50`, of: `${scenario}/p50` as FigureName, must: p50[0], aim: p50[1] },
    { about: `${about}, p99`, of: `${scenario}/p99` as FigureName, must: p99[0], aim: p99[1] },
  ]
}

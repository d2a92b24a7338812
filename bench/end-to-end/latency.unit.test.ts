import { expect, test } from 'vitest'
import { measureInTurns } from '../harness/measure.ts'
import { postToSettled } from './latency.ts'

test.each([
  ['given is no figure', 2, undefined],
  ['measured is one', async () => 2, 2],
] as const)('a rate that is %s', async (_, ordersPerSecond, due) => {
  const settled = ['a', 'b', 'c', 'd'].map(id => ({ id, dueAt: 1_000, seenMs: 30 }))
  const load = { ask: async () => ({ settled }) }
  const database = { query: async () => ({ rows: settled.map(({ id }) => ({ id, at: 1_020 })) }) }
  const placed = { url: 'http://shop.test', database, table: 'orders' }
  const scenario = postToSettled(load as never, {
    name: '',
    placed: placed as never,
    ordersPerSecond,
    seconds: 1,
  })
  const told: string[] = []
  const measures = await measureInTurns('s', [scenario], {
    runs: 1,
    runsMax: 1,
    say: line => told.push(line),
  })
  const medians = Object.fromEntries(measures.map(({ figure, median }) => [figure, median]))
  expect(medians).toEqual({ ...(due && { due }), p50: 20, p99: 20, 'seen, p50': 30, 'seen, p99': 30 })
  expect(told.some(line => line.includes('due'))).toBe(due !== undefined)
})

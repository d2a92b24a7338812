import { expect, test } from 'vitest'
import { parseDemoOptions } from './demo-options.ts'
import { parseBlock } from './order-stream.ts'
import { PlacedOrders, percentile } from './placed-orders.ts'
import { amountMinorMax, depositMinor } from './report.ts'

test('options have defaults, and the gateway comes from the environment', () => {
  expect(parseDemoOptions([], { GATEWAY_URL: 'http://127.0.0.1:1/' })).toEqual({
    kind: 'options',
    options: {
      gatewayUrl: 'http://127.0.0.1:1',
      orders: 2000,
      accounts: 50,
      rate: 0,
      concurrency: 32,
      settleSecondsMax: 60,
    },
  })
})

test.each([
  ['--orders=0'],
  ['--orders=1.5'],
  ['--orders=-1'],
  ['--rate=fast'],
  ['--concurrency=513'],
  ['--colour=red'],
  ['surplus'],
])('%s is refused with what is allowed', argument => {
  expect(parseDemoOptions([argument], {}).kind).toBe('mistake')
})

test('every wrong option is named at once', () => {
  const parsed = parseDemoOptions(['--orders=0', '--rate=x'], {})
  expect(parsed).toMatchObject({ text: expect.stringMatching(/--orders is "0"[\s\S]*--rate is "x"/) })
})

test('a settlement counts once, also when it comes before the answer that names the order', () => {
  const placed = new PlacedOrders()
  placed.settled('a', 'FINISHED', 30)
  placed.placed('a', 1050n, 10)
  placed.settled('a', 'FINISHED', 40)
  placed.placed('b', 99n, 20)
  placed.settled('b', 'NEW', 25)
  placed.settled('b', 'CANCELLED', 50)
  placed.placed('c', 7n, 60)
  expect(placed.outcome).toEqual({ finished: 1, cancelled: 1, unsettled: ['c'], spentMinor: 1050n })
  expect(placed.latenciesMs).toEqual([20, 30])
})

test('percentiles are of nearest rank', () => {
  const values = Array.from({ length: 200 }, (_, index) => 200 - index)
  expect([percentile(values, 50), percentile(values, 99), percentile([], 50)]).toEqual([100, 198, 0])
})

test('a block of an event stream is its fields, comments aside', () => {
  expect(parseBlock(': alive')).toEqual({})
  expect(parseBlock('id: 3\nevent: order\ndata: {"a":1}')).toEqual({
    id: '3',
    event: 'order',
    data: '{"a":1}',
  })
})

test('an account can pay for nearly every order, also where there are fewer orders than accounts', () => {
  const options = { gatewayUrl: '', accounts: 50, rate: 0, concurrency: 1, settleSecondsMax: 1 }
  for (const orders of [1, 20, 50, 60])
    expect(depositMinor({ ...options, orders })).toBeGreaterThanOrEqual((amountMinorMax * 9) / 10)
  expect(depositMinor({ ...options, orders: 2000 })).toBe(91_800n)
})

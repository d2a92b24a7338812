import { expect, test } from 'vitest'
import { measureInTurns, plain } from './measure.ts'
import { rate } from './results.ts'

const silent = () => undefined

function scenario(name: string, answers: number[], order: string[] = []) {
  let call = 0
  return {
    name,
    figures: { settled: rate('orders/s') },
    async once() {
      order.push(name)
      return { settled: answers[call++ % answers.length]! }
    },
  }
}

test('scenarios run in turns, after one run each that does not count', async () => {
  const order: string[] = []
  const measures = await measureInTurns(
    'end-to-end',
    [scenario('a', [1000, 100, 102, 104], order), scenario('b', [9, 10], order)],
    { runs: 3, runsMax: 3, say: silent },
  )
  expect(order.join('')).toBe('ababab'.padStart(8, 'ab'))
  expect(measures[0]).toMatchObject({ scenario: 'a', values: [100, 102, 104], median: 102, isQuotable: true })
})

test('a figure whose runs lie too far apart is run again up to the bound, and then not to be quoted', async () => {
  const [steady, wild] = await measureInTurns(
    's',
    [scenario('steady', [100]), scenario('wild', [100, 10, 50, 500])],
    { runs: 3, runsMax: 5, say: silent },
  )
  expect(steady).toMatchObject({ values: [100, 100, 100], isQuotable: true })
  expect(wild?.values).toHaveLength(5)
  expect(wild?.isQuotable).toBe(false)
})

test('a run without an answer is never quoted', async () => {
  const [measure] = await measureInTurns('s', [scenario('a', [Number.NaN])], {
    runs: 2,
    runsMax: 2,
    say: silent,
  })
  expect(measure?.isQuotable).toBe(false)
})

test('figures have three digits', () => {
  expect([plain(12_345.6), plain(12.34), plain(1.234), plain(Number.NaN)]).toEqual([
    '12,346',
    '12.3',
    '1.23',
    '–',
  ])
})

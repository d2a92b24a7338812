import { expect, test } from 'vitest'
import { sharedReading } from './shared-reading.ts'

function aClock() {
  let now = 0
  return {
    now: () => now,
    pass(ms: number) {
      now += ms
    },
  }
}

test('those who ask within the time share one reading, the next one reads anew', async () => {
  const clock = aClock()
  let readings = 0
  const read = sharedReading(async () => ++readings, 1_000, clock.now)
  expect(await Promise.all([read(), read()])).toEqual([1, 1])
  clock.pass(999)
  expect(await read()).toBe(1)
  clock.pass(1)
  expect(await read()).toBe(2)
})

test('a failure is told to those who waited for it and to nobody after them', async () => {
  let isDown = true
  const read = sharedReading(async () => {
    if (isDown) throw new Error('down')
    return 'up'
  }, 1_000)
  await expect(Promise.all([read(), read()])).rejects.toThrow('down')
  isDown = false
  expect(await read()).toBe('up')
})

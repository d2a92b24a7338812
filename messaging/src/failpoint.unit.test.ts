import { afterEach, expect, test } from 'vitest'
import { armFailpoints, failpointsOf } from './failpoint.ts'

const failpoint = failpointsOf<'depot.loaded' | 'depot.gone'>()
afterEach(() => armFailpoints())

test('a failpoint does what was armed until it is disarmed; then it makes not even a promise', async () => {
  const reached: string[] = []
  armFailpoints(async name => {
    reached.push(name)
    if (name === 'depot.gone') throw new Error('a fault')
  })
  await failpoint('depot.loaded')
  await expect(failpoint('depot.gone')).rejects.toThrow('a fault')
  armFailpoints()
  expect(failpoint('depot.gone')).toBeUndefined()
  expect(reached).toEqual(['depot.loaded', 'depot.gone'])
})

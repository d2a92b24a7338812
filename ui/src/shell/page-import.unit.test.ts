import { expect, it } from 'vitest'
import { arrived, PageNotLoaded } from './page-import.ts'

it('a page that comes is what was imported', async () => {
  expect(await arrived(Promise.resolve('a page'))).toBe('a page')
})

it('a page that does not come is told from one that breaks', async () => {
  const cause = new TypeError('Failed to fetch dynamically imported module')
  await expect(arrived(Promise.reject(cause))).rejects.toThrow(PageNotLoaded)
})

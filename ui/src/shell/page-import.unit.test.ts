import { expect, it } from 'vitest'
import { arrived, PageNotLoaded } from './page-import.ts'

it('a page that comes is what was imported', async () => {
  expect(await arrived(Promise.resolve('a page'))).toBe('a page')
})

it.each([
  'Failed to fetch dynamically imported module: http://127.0.0.1/a.js',
  'error loading dynamically imported module: http://127.0.0.1/a.js',
  'Importing a module script failed.',
  'Unable to preload CSS for /assets/a.css',
])('a page that does not come is told from one that breaks: %s', async message => {
  await expect(arrived(Promise.reject(new TypeError(message)))).rejects.toThrow(PageNotLoaded)
})

it('a page that breaks as it is evaluated is told as it broke', async () => {
  const broken = new RangeError('Invalid language tag')
  await expect(arrived(Promise.reject(broken))).rejects.toBe(broken)
})

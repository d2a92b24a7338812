import { afterEach, describe, expect, it, vi } from 'vitest'
import { nextCursor, RequestFailed, request } from './request.ts'

describe('a request', () => {
  afterEach(() => vi.unstubAllGlobals())
  const answering = (answer: () => Promise<Response>) => vi.stubGlobal('fetch', answer)

  it("fails with the server's own words", async () => {
    const problem = {
      status: 422,
      code: 'insufficient_funds',
      detail: 'The balance is 3.00.',
      request_id: 'r-1',
    }
    answering(async () => Response.json(problem, { status: 422 }))
    const failure = await request('/x').catch(error => error)
    expect(failure).toBeInstanceOf(RequestFailed)
    expect(failure).toMatchObject({
      message: 'The balance is 3.00.',
      code: 'insufficient_funds',
      isTransient: false,
    })
  })

  it.each([
    ['no answer', () => Promise.reject(new TypeError('Failed to fetch'))],
    ['an answer of another program', async () => new Response('<h1>Bad Gateway</h1>', { status: 502 })],
  ])('says what to do when there is %s, and that trying again may help', async (_, answer) => {
    answering(answer)
    const failure = await request('/x').catch(error => error)
    expect(failure.isTransient).toBe(true)
    expect(failure.message).toMatch(/again/)
  })

  it.each([
    ['</orders?limit=50&cursor=abc>; rel="next"', 'abc'],
    ['<http://host/orders?cursor=a%2Bb>; rel=next', 'a+b'],
    ['</orders>; rel="prev"', undefined],
    [undefined, undefined],
  ])('finds the next page in Link: %s', (link, cursor) => {
    expect(nextCursor(new Headers(link === undefined ? {} : { link }))).toBe(cursor)
  })
})

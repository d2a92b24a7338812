import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { createApp } from './app.ts'

async function open() {
  const app = await createApp({ title: 'shop', description: 'shop' }, pino({ level: 'silent' }))
  onTestFinished(() => app.close())
  app.get('/orders', async () => [])
  app.post('/orders', async () => ({}))
  await app.register(async inner => {
    inner.get('/orders/:id', async () => ({}))
    inner.patch('/orders/:id/note', async () => ({}))
  })
  return app
}

test.each([
  ['DELETE', '/orders?limit=1', 'GET, HEAD, POST'],
  ['PUT', '/orders/7', 'GET, HEAD'],
  ['GET', '/orders/7/note', 'PATCH'],
  ['POST', '/openapi.json', 'GET, HEAD'],
] as const)('%s %s is 405, and Allow tells %s', async (method, url, allow) => {
  const answer = await (await open()).inject({ method, url })
  expect(answer.statusCode).toBe(405)
  expect(answer.headers).toMatchObject({ allow, 'content-type': 'application/problem+json' })
  expect(answer.json()).toMatchObject({ status: 405, code: 'method_not_allowed' })
  expect(answer.json().detail).toContain(allow)
})

test.each(['/order', '/Orders', '/orders/7/notes', '/orders//note', '/openapi-json'])(
  '%s is no path of ours, by any method: 404 without Allow',
  async url => {
    const app = await open()
    for (const method of ['GET', 'POST', 'DELETE'] as const) {
      const answer = await app.inject({ method, url })
      expect([answer.statusCode, answer.json().code, answer.headers.allow]).toEqual([
        404,
        'not_found',
        undefined,
      ])
    }
  },
)

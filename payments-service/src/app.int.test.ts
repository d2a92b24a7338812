import { openDatabase, openPool } from 'edge/postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createPaymentsApp } from './app.ts'
import type { PaymentsDatabase } from './database.ts'
import { openTestService, silent, type TestService } from './test-service.ts'

let service: TestService
beforeAll(async () => {
  service = await openTestService()
})
afterAll(() => service?.close())

test('health is 200 with each dependency where all answer', async () => {
  const answer = await service.app.inject('/health')
  expect(answer.statusCode).toBe(200)
  expect(answer.json()).toMatchObject({
    service: 'payments-service',
    status: 'up',
    dependencies: { database: { status: 'up' }, kafka: { status: 'up' } },
  })
})

test('without broker and database health says which is down, and calls are 503 that tell nothing of the inside', async () => {
  const pool = openPool(
    { host: '127.0.0.1', port: 1, database: 'none', user: 'none', password: 'secret' },
    'test',
    1,
  )
  const app = await createPaymentsApp({
    db: openDatabase<PaymentsDatabase>(pool),
    transport: { ping: () => Promise.reject(new Error('no broker')), lag: async () => 0 },
    log: silent,
  })
  const health = await app.inject('/health?timeout=1')
  expect(health.statusCode).toBe(503)
  expect(health.json()).toMatchObject({
    status: 'down',
    dependencies: { database: { status: 'down' }, kafka: { status: 'down' } },
  })
  for (const url of ['/users', '/users/7', '/users/7/ledger']) {
    const answer = await app.inject(url)
    expect([answer.statusCode, answer.json().code]).toEqual([503, 'unavailable'])
    expect(answer.body).not.toMatch(/ECONNREFUSED|127\.0\.0\.1|secret/)
  }
  await app.close()
  await pool.end()
})

test('the OpenAPI document tells each call with its request, its answers and every error', async () => {
  const { paths, components } = (await service.app.inject('/openapi.json')).json()
  const told = Object.entries<Record<string, { responses: object; summary?: string }>>(paths).flatMap(
    ([path, methods]) =>
      Object.entries(methods).map(([method, { responses }]) => [
        `${method} ${path}`,
        Object.keys(responses).join(' '),
      ]),
  )
  expect(Object.fromEntries(told)).toEqual({
    'get /health': expect.stringContaining('200'),
    ...Object.fromEntries(
      ['', '/accounts', '/ledger', '/rows'].map(part => [`get /integrity${part}`, '200 400 500 503']),
    ),
    'get /stats': '200 500 503',
    'post /users': '201 400 409 413 415 500 503',
    'get /users': '200 400 500 503',
    'get /users/{user_id}': '200 400 404 500 503',
    'patch /users/{user_id}': '200 400 404 413 415 422 500 503',
    'get /users/{user_id}/ledger': '200 400 404 500 503',
    'get /payments/order/{order_id}/timeline': '200 400 500 503',
  })
  expect(Object.keys(components.schemas).toSorted()).toEqual(['Account', 'LedgerEntry', 'Problem'])
  const newAccount = paths['/users'].post.requestBody.content['application/json'].schema
  expect(newAccount.required).toEqual(['user_id'])
  expect(paths['/users'].get.summary).toBe('List accounts')
})

test('the page of the document is served', async () => {
  const answer = await service.app.inject('/docs/')
  expect(answer.statusCode).toBe(200)
  expect(answer.headers['content-type']).toContain('text/html')
})

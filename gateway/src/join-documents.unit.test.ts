import { describe, expect, test } from 'vitest'
import { type ApiDocument, joinDocuments } from './join-documents.ts'

const answer = (schema: string) => ({
  responses: {
    200: { content: { 'application/json': { schema: { $ref: `#/components/schemas/${schema}` } } } },
  },
})
const own: ApiDocument = {
  info: { description: 'All calls.' },
  paths: { '/orders/events': { get: { operationId: 'events', tags: ['orders'] } } },
  components: { schemas: { Problem: { type: 'object' } } },
}
const orders: ApiDocument = {
  paths: {
    '/orders': { get: { ...answer('Order'), operationId: 'list', tags: ['orders'] }, post: answer('Order') },
    '/orders/{order}': { get: answer('Order') },
    '/orders/{id}/timeline': { get: {} },
    '/health': { get: {} },
    '/internal': { get: {} },
  },
  components: {
    schemas: {
      Order: { properties: { money: { $ref: '#/components/schemas/Money' } } },
      Money: { type: 'number' },
      Problem: { type: 'object' },
      Unused: {},
    },
  },
}
const payments: ApiDocument = {
  paths: { '/users': { get: { ...answer('Account'), operationId: 'list', tags: ['accounts'] }, delete: {} } },
  components: {
    schemas: {
      Account: {
        properties: {
          money: { $ref: '#/components/schemas/Money' },
          problem: { $ref: '#/components/schemas/Problem' },
        },
      },
      Money: { type: 'string' },
      Problem: { type: 'object' },
    },
  },
}
const join = (...documents: [ApiDocument | undefined, ApiDocument | undefined]) =>
  joinDocuments(own, [
    { name: 'orders', document: documents[0] },
    { name: 'payments', document: documents[1] },
  ])

describe('joined document', () => {
  test('has the public calls and no other', () => {
    const { paths = {} } = join(orders, payments)
    const calls = Object.entries(paths).flatMap(([path, item]) =>
      Object.keys(item).map(method => `${method} ${path}`),
    )
    expect(calls.toSorted()).toEqual([
      'get /orders',
      'get /orders/events',
      'get /orders/{order}',
      'get /users',
      'post /orders',
    ])
  })

  test('keeps the schemas that are needed, also those needed by others, and renames one that means another thing', () => {
    const { components } = join(orders, payments)
    expect(components?.schemas).toEqual({
      Problem: { type: 'object' },
      Order: { properties: { money: { $ref: '#/components/schemas/Money' } } },
      Money: { type: 'number' },
      Account: {
        properties: {
          money: { $ref: '#/components/schemas/payments_Money' },
          problem: { $ref: '#/components/schemas/Problem' },
        },
      },
      payments_Money: { type: 'string' },
    })
  })

  test('gives each operation an id of its own, and lists the tags', () => {
    const { paths, tags } = join(orders, payments)
    expect(paths?.['/orders']?.get?.operationId).toBe('list')
    expect(paths?.['/users']?.get?.operationId).toBe('payments_list')
    expect(tags).toEqual([{ name: 'orders' }, { name: 'accounts' }])
  })

  test('says of each call passed on that the door may refuse it', () => {
    const { paths = {} } = join(orders, payments)
    const tooMany = {
      description: expect.stringContaining('Retry-After'),
      content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
    }
    for (const [path, method] of [
      ['/orders', 'get'],
      ['/orders', 'post'],
      ['/users', 'get'],
    ] as const)
      expect(paths[path]?.[method]?.responses).toHaveProperty('429', tooMany)
    expect(paths['/orders']?.get?.responses).toHaveProperty('200')
  })

  test('says which service is missing, and changes nothing of what it was given', () => {
    const before = structuredClone([own, orders])
    expect(join(orders, undefined).info?.description).toContain('The calls of payments are missing')
    expect(join(orders, payments).info?.description).toBe('All calls.')
    expect([own, orders]).toEqual(before)
  })
})

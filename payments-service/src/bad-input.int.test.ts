import { gzipSync } from 'node:zlib'
import type { InjectOptions } from 'fastify'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { openTestService, type TestService } from './test-service.ts'

let service: TestService
beforeAll(async () => {
  service = await openTestService()
  await service.app.inject({ method: 'POST', url: '/users', payload: { user_id: 7, balance: 100 } })
})
afterAll(() => service?.close())

/** Whatever was sent, the service answers the next caller, and the one account is as it was. */
afterEach(async () => {
  const { statusCode, body } = await service.app.inject('/users')
  expect(statusCode).toBe(200)
  expect(JSON.parse(body)).toMatchObject([{ user_id: 7, balance: 100 }])
})

const json = 'application/json'
type Expected = { status: number; code: string; field?: string }

async function refuses(request: InjectOptions, { status, code, field }: Expected) {
  const answer = await service.app.inject(request)
  expect(answer.headers['content-type']).toBe('application/problem+json')
  expect([answer.statusCode, answer.json().code]).toEqual([status, code])
  expect(answer.json()).toMatchObject({
    type: `urn:order-payments:problem:${code}`,
    title: expect.any(String),
    status,
    detail: expect.stringMatching(/./),
    request_id: answer.headers['x-request-id'],
  })
  if (field !== undefined)
    expect(answer.json().errors).toContainEqual(
      expect.objectContaining({ field, detail: expect.any(String) }),
    )
}

const invalid = (field?: string): Expected => ({ status: 400, code: 'invalid_request', field })
const invalidJson: Expected = { status: 400, code: 'invalid_json' }
const unsupported: Expected = { status: 415, code: 'unsupported_media_type' }

const calls = [
  { name: 'POST /users', method: 'POST', url: '/users', money: 'balance', rest: '"user_id":8' },
  { name: 'PATCH /users/7', method: 'PATCH', url: '/users/7', money: 'balance_change', rest: '' },
] as const
const object = (...fields: string[]) => `{${fields.filter(Boolean).join(',')}}`

describe.each(calls)('$name refuses', ({ method, url, money, rest }) => {
  const send = (payload: string | Buffer | undefined, type: string | undefined = json): InjectOptions => ({
    method,
    url,
    payload,
    headers: type === '' ? {} : { 'content-type': type },
  })

  test.each<[string, string | Buffer | undefined, string | undefined, Expected]>([
    ['nothing at all', undefined, '', invalid('')],
    ['an empty body', '', json, invalidJson],
    ['blanks', '  ', json, invalidJson],
    ['text', 'hello', json, invalidJson],
    ['half of it', '{"user_id":', json, invalidJson],
    ['NaN', object(rest, `"${money}":NaN`), json, invalidJson],
    ['bytes that are not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), json, invalidJson],
    ['a name that reaches into objects', '{"__proto__":{"user_id":8}}', json, invalidJson],
    ['the same, escaped', '{"\\u005f_proto__":{"user_id":8}}', json, invalidJson],
    ['null', 'null', json, invalid('')],
    ['a list', '[]', json, invalid('')],
    ['a text in quotes', '"x"', json, invalid('')],
    ['an empty object', '{}', json, invalid(method === 'POST' ? 'user_id' : money)],
    ['lists in lists, 30,000 deep', `${'['.repeat(30_000)}${']'.repeat(30_000)}`, json, invalid('')],
    [
      'a list in a field, 30,000 deep',
      `{"a":${'['.repeat(30_000)}1e1${']'.repeat(30_000)}}`,
      json,
      invalidJson,
    ],
    ['a form', 'user_id=8', 'application/x-www-form-urlencoded', unsupported],
    ['text by type', '{}', 'text/plain', unsupported],
    ['a body of no type', '{}', '', unsupported],
    ['a type that is none', '{}', 'x', unsupported],
    [
      '64 KiB and a byte',
      `{"a":"${'x'.repeat(64 * 1024 - 7)}"}`,
      json,
      { status: 413, code: 'body_too_large' },
    ],
    ['an unknown field', object(rest, `"${money}":1`, '"currency":"USD"'), json, invalid('currency')],
    ['an unknown field of NUL', object(rest, `"${money}":1`, '"\\u0000":1'), json, invalid('\0')],
    [
      'an unknown field of half a character',
      object(rest, `"${money}":1`, '"\\ud800":1'),
      json,
      invalid('\ud800'),
    ],
  ])('%s', (_, payload, type, expected) => refuses(send(payload, type), expected))

  test.each([
    ['"10"'],
    ['1.005'],
    ['0.001'],
    ['1e-7'],
    ['1e400'],
    ['-1e400'],
    ['10000000000'],
    ['-10000000000'],
    ['9999999999.991'],
    ['0.1000000000000000000001'],
    ['9007199254740993'],
    ['null'],
    ['true'],
    ['[]'],
    ['{}'],
    ['"\\u0000"'],
    ['"\\ud800"'],
    ...(money === 'balance' ? [['-1'], ['-0.01']] : [['0'], ['-0'], ['0.00'], ['0e5']]),
  ])(`${money} as %s`, value => refuses(send(object(rest, `"${money}":${value}`)), invalid(money)))
})

describe('POST /users refuses as user_id', () => {
  test.each([
    ['"8"'],
    ['0'],
    ['-1'],
    ['1.5'],
    ['1e400'],
    ['9007199254740992'],
    ['9007199254740993'],
    ['8.000000000000000001'],
    ['null'],
    ['true'],
    ['[8]'],
    ['"\\u0000"'],
    ['"\\ud800"'],
  ])('%s', value =>
    refuses(
      { method: 'POST', url: '/users', payload: `{"user_id":${value}}`, headers: { 'content-type': json } },
      invalid('user_id'),
    ),
  )
})

const ofOneUser: [string, (id: string) => InjectOptions][] = [
  ['GET /users/{user_id}', id => ({ method: 'GET', url: `/users/${id}` })],
  ['GET /users/{user_id}/ledger', id => ({ method: 'GET', url: `/users/${id}/ledger` })],
  [
    'PATCH /users/{user_id}',
    id => ({ method: 'PATCH', url: `/users/${id}`, payload: { balance_change: 1 } }),
  ],
]
describe.each(ofOneUser)('%s refuses as user_id', (_, request) => {
  test.each([
    ['abc'],
    ['0'],
    ['-1'],
    ['1.5'],
    ['1e1'],
    ['07'],
    ['0x7'],
    ['%207'],
    ['%00'],
    ['%ED%A0%80'],
    ['9007199254740992'],
    ['99999999999999999999'],
    ['9'.repeat(90)],
    ['019aa5c1-1f60-7b0e-8f6d-5a7e3c9d2b14'],
  ])('%s', id =>
    refuses(request(id), id === '%ED%A0%80' ? { status: 400, code: 'invalid_request' } : invalid('user_id')),
  )
})

describe.each([['/users'], ['/users/7/ledger']])('GET %s refuses', url => {
  const cursor = (text: string) => `cursor=${Buffer.from(text).toString('base64url')}`
  test.each([
    ['limit=0', 'limit'],
    ['limit=201', 'limit'],
    ['limit=-1', 'limit'],
    ['limit=1.5', 'limit'],
    ['limit=abc', 'limit'],
    ['limit=', 'limit'],
    ['limit=99999999999999999999', 'limit'],
    ['limit=1&limit=2', 'limit'],
    ['page=2', 'page'],
    ['cursor=', 'cursor'],
    ['cursor=a&cursor=b', 'cursor'],
    [`cursor=${'x'.repeat(201)}`, 'cursor'],
  ])('%s', (query, field) => refuses({ url: `${url}?${query}` }, invalid(field)))

  test.each([
    ['cursor=abc'],
    ['cursor=%00'],
    [cursor('x')],
    [cursor('0')],
    [cursor('-1')],
    [cursor("1' or '1'='1")],
    [cursor('12345678901234567')],
    [`${cursor('12')}==`],
  ])('a made-up %s', query =>
    refuses({ url: `${url}?${query}` }, { status: 400, code: 'invalid_cursor', field: 'cursor' }),
  )
})

describe('Idempotency-Key refuses', () => {
  test.each([
    ['nothing', ''],
    ['more than 255 characters', 'x'.repeat(256)],
    ['blanks', 'a b'],
    ['what is not ASCII', 'clé'],
  ])('%s', (_, key) =>
    refuses(
      {
        method: 'PATCH',
        url: '/users/7',
        payload: { balance_change: 1 },
        headers: { 'idempotency-key': key },
      },
      invalid('idempotency-key'),
    ),
  )
})

describe('the rest', () => {
  test.each<[string, InjectOptions, Expected]>([
    [
      'a body that is packed',
      {
        method: 'POST',
        url: '/users',
        payload: gzipSync('{"user_id":8}'),
        headers: { 'content-type': json, 'content-encoding': 'gzip' },
      },
      unsupported,
    ],
    ['an order id that is none', { url: '/payments/order/17/timeline' }, invalid('order_id')],
    ['an order id of NUL', { url: '/payments/order/%00/timeline' }, invalid('order_id')],
    ['a timeout of 0', { url: '/health?timeout=0' }, invalid('timeout')],
    ['a timeout too long', { url: '/health?timeout=31' }, invalid('timeout')],
    ['a timeout that is no number', { url: '/health?timeout=soon' }, invalid('timeout')],
    ['a path that is not here', { url: '/accounts' }, { status: 404, code: 'not_found' }],
    [
      'a method that is not here',
      { method: 'DELETE', url: '/users/7' },
      { status: 405, code: 'method_not_allowed' },
    ],
  ])('%s', (_, request, expected) => refuses(request, expected))
})

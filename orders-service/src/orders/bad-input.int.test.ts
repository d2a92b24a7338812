import type { InjectOptions } from 'fastify'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { openTestService, type TestService } from '../test-service.ts'

let service: TestService
beforeAll(async () => {
  service = await openTestService()
})
afterAll(() => service?.close())

/** Whatever was sent, the service lives on, and nothing was placed. */
afterEach(async () => {
  const answer = await service.get('/orders')
  expect([answer.statusCode, answer.json()]).toEqual([200, []])
})

const id = '01a1fdd4-1a09-76a7-8b7b-b830af894257'
const good = { user_id: 7, amount: 10.5 }

async function expectProblem(request: InjectOptions, status: number, code: string, at?: [string, string]) {
  const answer = await service.app.inject(request)
  expect(answer.headers['content-type']).toContain('application/problem+json')
  expect(answer.json()).toMatchObject({
    type: `urn:order-payments:problem:${code}`,
    title: expect.any(String),
    status,
    detail: expect.any(String),
    code,
    request_id: answer.headers['x-request-id'],
    ...(at && { errors: [{ in: at[0], field: at[1], detail: expect.any(String) }] }),
  })
  expect(answer.statusCode).toBe(status)
  const { url, headers, payload } = request
  const type = answer.headers['content-type']
  if (url === '/orders' && headers?.['content-type'] === 'application/json' && typeof payload === 'string')
    await expectSameTogether({ headers: headers as Record<string, string>, body: payload }, [
      status,
      type,
      answer.json(),
    ])
}

/** A part among others is told what it is told alone. */
async function expectSameTogether(
  part: { headers: Record<string, string>; body: string },
  [status, type, told]: [number, unknown, { request_id: string }],
) {
  const named = { ...part, headers: { ...part.headers, 'x-request-id': told.request_id } }
  const together = await service.app.inject({
    method: 'POST',
    url: '/orders/together',
    payload: [named, named],
  })
  expect(together.statusCode).toBe(200)
  const answers = together.json<{ status: number; headers: Record<string, string>; body: string }[]>()
  expect(
    answers.map(({ status, headers, body }) => [status, headers['content-type'], JSON.parse(body)]),
  ).toEqual([
    [status, type, told],
    [status, type, told],
  ])
}

const placing = (payload: InjectOptions['payload'], headers: Record<string, string> = {}): InjectOptions => ({
  method: 'POST',
  url: '/orders',
  payload,
  headers: { 'content-type': 'application/json', ...headers },
})

describe('placing an order is refused', () => {
  test.each([
    ['a missing user', { user_id: undefined }, 'user_id'],
    ['a user in text', { user_id: '7' }, 'user_id'],
    ['user 0', { user_id: 0 }, 'user_id'],
    ['a negative user', { user_id: -1 }, 'user_id'],
    ['a broken user', { user_id: 1.5 }, 'user_id'],
    ['user null', { user_id: null }, 'user_id'],
    ['a user that is true', { user_id: true }, 'user_id'],
    ['a list of users', { user_id: [7] }, 'user_id'],
    ['a missing amount', { amount: undefined }, 'amount'],
    ['an amount in text', { amount: '10' }, 'amount'],
    ['amount 0', { amount: 0 }, 'amount'],
    ['amount -0', { amount: -0 }, 'amount'],
    ['a negative amount', { amount: -1 }, 'amount'],
    ['three fraction digits', { amount: 1.005 }, 'amount'],
    ['many fraction digits', { amount: 0.1 + 0.2 }, 'amount'],
    ['a tiny amount', { amount: 1e-7 }, 'amount'],
    ['an amount past the limit', { amount: 10_000_000_000 }, 'amount'],
    ['a huge amount', { amount: 1e300 }, 'amount'],
    ['amount null', { amount: null }, 'amount'],
    ['an amount in an object', { amount: { value: 10 } }, 'amount'],
    ['a description that is a number', { description: 7 }, 'description'],
    ['description null', { description: null }, 'description'],
    ['a description too long', { description: 'x'.repeat(1001) }, 'description'],
    ['a description with NUL', { description: 'a\0b' }, 'description'],
    ['a description with half a surrogate pair', { description: 'a\ud800b' }, 'description'],
    ['the other half', { description: '\udc00' }, 'description'],
    ['an unknown field', { currency: 'EUR' }, 'currency'],
    ['a field of the answer', { status: 'FINISHED' }, 'status'],
    ['an unknown field with a long name', { ['x'.repeat(500)]: 1 }, 'x'.repeat(100)],
  ])('with %s', async (_case, change, field) => {
    await expectProblem(placing(JSON.stringify({ ...good, ...change })), 400, 'invalid_request', [
      'body',
      field,
    ])
  })

  test.each([
    ['1e400', 'amount'],
    ['-1e400', 'amount'],
    ['9999999999.999', 'amount'],
    ['0.0100000000000000000001', 'amount'],
    ['10.5000000000000001', 'amount'],
  ])('with the amount %s, which is never rounded', async (amount, field) => {
    await expectProblem(placing(`{"user_id":7,"amount":${amount}}`), 400, 'invalid_request', ['body', field])
  })

  test.each(['9007199254740992', '9007199254740993', '1e400', '7.0000000000000000001'])(
    'with the user %s',
    async user => {
      await expectProblem(placing(`{"user_id":${user},"amount":1}`), 400, 'invalid_request', [
        'body',
        'user_id',
      ])
    },
  )

  test.each(['12345678901234567890', '1e400', '1.0000000000000000001'])(
    'with the description %s, which is a number',
    async description => {
      const body = `{"user_id":7,"amount":1,"description":${description}}`
      await expectProblem(placing(body), 400, 'invalid_request', ['body', 'description'])
    },
  )

  test('with several mistakes, each of which is told', async () => {
    const answer = await service.app.inject(placing('{"user_id":"7","amount":0,"colour":1}'))
    const { errors } = answer.json<{ errors: { field: string }[] }>()
    expect(errors.map(({ field }) => field).toSorted()).toEqual(['amount', 'colour', 'user_id'])
  })

  test.each(['[]', 'null', '7', '"text"', 'true'])('with %s, which is no object', async body => {
    await expectProblem(placing(body), 400, 'invalid_request')
  })

  test.each([
    ['', 'empty'],
    ['{', 'cut off'],
    ['{"user_id":7,"amount":1}}', 'too long'],
    ["{'user_id':7}", 'in single quotes'],
    ['{"user_id":7,"amount":NaN}', 'NaN'],
    ['{"user_id":7,"amount":01}', 'with a leading zero'],
    ['user_id=7', 'a form'],
    ['{"__proto__":{"x":1},"user_id":7,"amount":1}', 'after the prototype'],
  ])('with %j, which is %s', async body => {
    await expectProblem(placing(body), 400, 'invalid_json')
  })

  test('with bytes that are not UTF-8', async () => {
    await expectProblem(placing(Buffer.from([0x7b, 0xff, 0xfe, 0x7d])), 400, 'invalid_json')
  })

  test('with a body over 64 KiB', async () => {
    await expectProblem(
      placing(Buffer.from(JSON.stringify({ ...good, description: 'x'.repeat(65_536) }))),
      413,
      'body_too_large',
    )
  })

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'application/xml', 'nonsense'])(
    'as %s',
    async type => {
      const request = placing(JSON.stringify(good), { 'content-type': type })
      await expectProblem(request, 415, 'unsupported_media_type')
    },
  )

  test('without a body', async () => {
    await expectProblem({ method: 'POST', url: '/orders' }, 400, 'invalid_request')
  })

  test.each([
    ['', 'is empty'],
    ['two words', 'has a space'],
    ['clé', 'is not ASCII'],
    ['x'.repeat(256), 'is too long'],
  ])('with the idempotency key %j, which %s', async key => {
    const request = placing(JSON.stringify(good), { 'idempotency-key': key })
    await expectProblem(request, 400, 'invalid_request', ['header', 'idempotency-key'])
  })
})

describe('reading is refused', () => {
  const notUuids = [
    '7',
    'x',
    id.slice(1),
    `${id}0`,
    id.replace('-', ''),
    '%00',
    '%F0%9F%8E%89',
    `${id}'--`,
    '..%2f',
  ]

  test.each(notUuids)('of the order %j, which is no UUID', async text => {
    await expectProblem({ url: `/orders/${text}` }, 400, 'invalid_request', ['path', 'id'])
    await expectProblem({ url: `/orders/${text}/timeline` }, 400, 'invalid_request', ['path', 'id'])
  })

  test.each(['0', '-1', '1.5', 'x', '07', '1e3', '9007199254740992', '99999999999999999999', '%00', '+1'])(
    'of user %j',
    async user => {
      await expectProblem({ url: `/orders/user/${user}` }, 400, 'invalid_request', ['path', 'user_id'])
      await expectProblem({ url: `/orders?user_id=${user}` }, 400, 'invalid_request', ['query', 'user_id'])
    },
  )

  test.each(['/orders', '/orders/user/7'])(
    'in %s with a limit or a field that it does not know',
    async url => {
      for (const limit of ['0', '-1', '201', '1.5', 'x', '', '1e2', '5&limit=6'])
        await expectProblem({ url: `${url}?limit=${limit}` }, 400, 'invalid_request', ['query', 'limit'])
      await expectProblem({ url: `${url}?sort=amount` }, 400, 'invalid_request', ['query', 'sort'])
    },
  )

  test.each(['/orders', '/orders/user/7'])('in %s with a cursor that was made up', async url => {
    const encoded = (text: string) => Buffer.from(text).toString('base64url')
    for (const cursor of [
      'x',
      id,
      '!!!',
      encoded('7'),
      encoded(`${id}'`),
      `${encoded(id)}=`,
      encoded('\0'),
      '%00',
    ])
      await expectProblem({ url: `${url}?cursor=${cursor}` }, 400, 'invalid_cursor', ['query', 'cursor'])
    for (const cursor of ['', 'x'.repeat(201)])
      await expectProblem({ url: `${url}?cursor=${cursor}` }, 400, 'invalid_request', ['query', 'cursor'])
  })

  test.each(['new', 'PAID', '', '%00', 'NEW&status=FINISHED'])('of the status %j', async status => {
    await expectProblem({ url: `/orders?status=${status}` }, 400, 'invalid_request', ['query', 'status'])
  })

  test.each(['0', '0.05', '31', '-1', 'x', '1e1'])('of the health within %s seconds', async timeout => {
    await expectProblem({ url: `/health?timeout=${timeout}` }, 400, 'invalid_request', ['query', 'timeout'])
  })

  test('of a path that is no URL, or that is too long', async () => {
    await expectProblem({ url: '/orders/%zz' }, 400, 'invalid_request')
    await expectProblem({ url: `/orders/${'x'.repeat(5_000)}` }, 414, 'invalid_request')
  })

  test('where there is no such call', async () => {
    await expectProblem({ method: 'DELETE', url: `/orders/${id}` }, 405, 'method_not_allowed')
    await expectProblem({ method: 'PUT', url: '/orders', payload: good }, 405, 'method_not_allowed')
    await expectProblem({ url: '/nothing' }, 404, 'not_found')
  })
})

test('a health within any number of seconds that is allowed is answered', async () => {
  for (const timeout of ['0.1', '2.5', '2.770060306883644', '29.999999999'])
    expect((await service.app.inject(`/health?timeout=${timeout}`)).statusCode, timeout).toBe(200)
})

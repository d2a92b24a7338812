import type { App } from 'edge/app'
import { registerOperatorRoutes } from 'edge/operator-routes'
import type { ActOutcome, LetterInFull, ParkedLetter, Preview } from 'edge/operator-schema'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { debitAccountsConsumer } from './payments/debit-accounts.ts'
import { handleTasks, openTestService, silent, type TestService, taskMessage } from './test-service.ts'

const token = 'a-token-for-tests-only'
const authorization = `Bearer ${token}`
/** What no payment may be of, until it is mended. */
const poison = 66.6

let service: TestService
let app: App
beforeAll(async () => {
  service = await openTestService()
  app = await openDesk(token)
})
afterAll(async () => {
  await app?.close()
  await service?.close()
})
beforeEach(async () => {
  await service.empty()
  await mend()
  await service.address.asOwner(
    'alter table payments add constraint no_poison check (amount_minor <> 6660) not valid',
  )
})
const mend = () => service.address.asOwner('alter table payments drop constraint if exists no_poison')

async function openDesk(operatorToken: string | undefined): Promise<App> {
  const made = await service.newApp()
  const definition = debitAccountsConsumer({
    log: silent,
    clock: () => new Date(),
  })
  const desk = { db: service.db, definition, log: silent }
  registerOperatorRoutes(made, { service: 'payments', desk, token: operatorToken })
  return made
}

/** Parks a task of a user, with others of theirs behind it. */
async function park(...amounts: number[]): Promise<{ userId: number; id: string; letter: ParkedLetter }> {
  const userId = await service.newUser(100_00n)
  await handleTasks(
    service.db,
    amounts.map(amount => taskMessage({ user_id: userId, amount })),
    { attemptsMax: 1 },
  )
  const letter = (await list()).find(({ key }) => key === String(userId))
  return { userId, id: letter?.id ?? 'none', letter: letter! }
}

const get = async <Body>(url: string): Promise<Body> =>
  (await app.inject({ url: `/operator${url}`, headers: { authorization } })).json()
const list = () => get<ParkedLetter[]>('/dead-letters?limit=200')
const post = (id: string, act: string, payload: object) =>
  app.inject({
    method: 'POST',
    url: `/operator/dead-letters/${id}/${act}`,
    headers: { authorization },
    payload,
  })

describe('without the token', () => {
  const calls = [
    ['GET', '/operator/dead-letters'],
    ['GET', '/operator/dead-letters/1'],
    ['POST', '/operator/dead-letters/1/preview'],
    ['POST', '/operator/dead-letters/1/redrive'],
    ['POST', '/operator/dead-letters/1/discard'],
    ['GET', '/operator/acts'],
  ] as const

  test.each(calls)('%s %s is 401, and a wrong one too', async (method, url) => {
    const asked = (headers: Record<string, string>) =>
      app.inject({ method, url, headers, ...(method === 'POST' && { payload: {} }) })
    for (const [headers, code] of [
      [{}, 'operator_token_missing'],
      [{ authorization: token }, 'operator_token_missing'],
      [{ authorization: `Basic ${token}` }, 'operator_token_missing'],
      [{ authorization: 'Bearer wrong' }, 'operator_token_wrong'],
      [{ authorization: `Bearer ${token}x` }, 'operator_token_wrong'],
    ] as const) {
      const answer = await asked(headers)
      expect(answer.statusCode).toBe(401)
      expect(answer.headers['www-authenticate']).toBe('Bearer realm="operator"')
      expect(answer.headers['content-type']).toContain('application/problem+json')
      expect(answer.json()).toMatchObject({ code, detail: expect.stringContaining('operator token') })
    }
  })

  test.each(calls)('%s %s is 403 where none is set, and says what to do', async (method, url) => {
    const off = await openDesk(undefined)
    for (const headers of [{}, { authorization: 'Bearer undefined' }, { authorization }]) {
      const answer = await off.inject({ method, url, headers })
      expect(answer.statusCode).toBe(403)
      expect(answer.json()).toMatchObject({
        code: 'operator_api_off',
        detail: expect.stringContaining('Set OPERATOR_TOKEN'),
      })
    }
    await off.close()
  })
})

test('what is parked is listed with its reason, its payload and how many wait behind it', async () => {
  const { userId, letter } = await park(poison, 1, 2)
  expect(letter).toMatchObject({
    service: 'payments',
    consumer: 'payments.debit',
    topic: 'order_payment_tasks',
    key: String(userId),
    state: 'parked',
    reason: expect.stringContaining('no_poison'),
    waiting: 2,
  })
  expect(JSON.parse(letter.payload!.text)).toMatchObject({ user_id: userId, amount: poison })
})

test('the list comes in pages', async () => {
  for (let user = 0; user < 5; user++) await park(poison)
  const first = await app.inject({ url: '/operator/dead-letters?limit=3', headers: { authorization } })
  const next = /<([^>]*)>/.exec(String(first.headers.link))?.[1]
  const rest = await app.inject({ url: String(next), headers: { authorization } })
  expect([...first.json(), ...rest.json()]).toEqual(await list())
  expect(rest.json()).toHaveLength(2)
})

test.each([
  ['text', Buffer.from('no JSON'), { encoding: 'utf-8', text: 'no JSON', bytes: 7, is_cut: false }],
  ['bytes', Buffer.from([0xff, 0xfe]), { encoding: 'base64', text: '//4=', bytes: 2, is_cut: false }],
  ['nothing', null, null],
  [
    'a lot',
    Buffer.from('ä'.repeat(3_000)),
    { encoding: 'utf-8', text: 'ä'.repeat(2_000), bytes: 6_000, is_cut: true },
  ],
])('a payload that is %s is shown as it is; whole where one letter is asked for', async (_, value, shown) => {
  const userId = await service.newUser(1n)
  await handleTasks(service.db, [taskMessage({ user_id: userId, amount: 1 }, { value })])
  const [letter] = await list()
  expect(letter?.payload).toEqual(shown)
  const whole = await get<LetterInFull>(`/dead-letters/${letter?.id}`)
  expect(whole.payload?.is_cut ?? false).toBe(false)
  if (value && shown?.encoding === 'utf-8') expect(whole.payload?.text).toBe(String(value))
})

test('a dry run shows the rows and events of a debit and leaves the money alone; the redrive then does just that', async () => {
  const { userId, id } = await park(poison, 1)
  await mend()
  const preview = (await post(id, 'preview', { act: 'redrive' })).json<Preview>()
  expect(preview.steps.map(({ outcome }) => outcome)).toEqual(['handled', 'handled'])
  expect(preview.changes).toEqual([
    { table: 'accounts', inserted: 0, updated: 2, deleted: 0 },
    { table: 'dead_letters', inserted: 0, updated: 2, deleted: 0 },
    { table: 'ledger_entries', inserted: 2, updated: 0, deleted: 0 },
    { table: 'outbox', inserted: 2, updated: 0, deleted: 0 },
    { table: 'payments', inserted: 2, updated: 0, deleted: 0 },
  ])
  expect(preview.events.map(({ payload }) => JSON.parse(payload))).toMatchObject([
    { user_id: userId, amount: poison, status: 'SUCCESS' },
    { user_id: userId, amount: 1, status: 'SUCCESS' },
  ])
  expect(await service.balanceOf(userId)).toBe(100_00n)

  const answer = await post(id, 'redrive', { who: 'ana', why: 'the check is gone' })
  expect(answer.json<ActOutcome>()).toEqual({ outcome: 'released', handled: 2 })
  expect(await service.balanceOf(userId)).toBe(32_40n)
  expect((await get<LetterInFull>(`/dead-letters/${id}`)).acts).toMatchObject([
    { act: 'redrive', outcome: 'done', who: 'ana', why: 'the check is gone', dead_letter_id: id },
  ])
})

test('what is still poison fails, is told why and stays; what waits behind can be parked in its place', async () => {
  const { id } = await park(poison, 1, poison, 2)
  expect((await post(id, 'redrive', { who: 'ana' })).json()).toMatchObject({
    outcome: 'failed',
    handled: 0,
    reason: expect.stringContaining('no_poison'),
  })
  const outcome = (await post(id, 'discard', { who: 'ana', why: 'a test order' })).json<ActOutcome>()
  expect(outcome).toMatchObject({
    outcome: 'parked',
    handled: 1,
    reason: expect.stringContaining('no_poison'),
  })
  expect((await list()).map(letter => [letter.id, letter.waiting])).toEqual([[outcome.parked_id, 1]])
  expect(await get('/acts?limit=2')).toMatchObject([
    { act: 'discard', outcome: 'done', why: 'a test order' },
    {
      act: 'redrive',
      outcome: 'failed',
      why: null,
      detail: { reason: expect.stringContaining('no_poison') },
    },
  ])
})

test('an act on what is not parked is 409, on what is not there 404; both say what to do', async () => {
  const { id } = await park(poison, 1)
  const behind = (await get<LetterInFull>(`/dead-letters/${id}`)).behind[0]!.id
  const waits = await post(behind, 'redrive', { who: 'ana' })
  expect([waits.statusCode, waits.json().code]).toEqual([409, 'not_parked'])
  expect(waits.json().detail).toContain('Deal with the parked one before it')
  await post(id, 'discard', { who: 'ana', why: 'a test order' })
  for (const act of ['redrive', 'discard']) {
    const twice = await post(id, act, { who: 'ana', why: 'again' })
    expect(twice.json()).toMatchObject({
      status: 409,
      detail: expect.stringContaining('is discarded, not parked'),
    })
  }
  expect((await post('999999', 'redrive', { who: 'ana' })).statusCode).toBe(404)
  expect((await post('999999', 'preview', { act: 'redrive' })).statusCode).toBe(404)
})

test.each([
  ['redrive', {}, 'who is missing'],
  ['redrive', { who: ' ' }, 'who must not be blank'],
  ['redrive', { who: 'a\0' }, 'who must be text without NUL'],
  ['discard', { who: 'ana' }, 'why is missing'],
  ['discard', { who: 'ana', why: '' }, 'why must not be blank'],
  ['discard', { who: 'ana', why: 'x', force: true }, 'force is not a field'],
  ['preview', { act: 'replay' }, 'act must be one of redrive, discard'],
])('%s with %j is 400 and changes nothing', async (act, payload, told) => {
  const { id } = await park(poison)
  const answer = await post(id, act, payload)
  expect(answer.statusCode).toBe(400)
  expect(answer.json().detail).toContain(told)
  expect((await get<LetterInFull>(`/dead-letters/${id}`)).state).toBe('parked')
})

test.each(['0', '-1', 'x', '1.5', '9999999999999999999'])('%s is no id of a dead letter', async id => {
  expect((await post(id, 'redrive', { who: 'ana' })).statusCode).toBe(400)
})

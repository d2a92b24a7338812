import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { Kafka, logLevel } from 'kafkajs'
import pg from 'pg'
import type { Locator, Page } from 'playwright-core'
import { startSystem, uniqueName } from 'scripts/test-infrastructure'
import type { SystemHandle } from 'scripts/testing/launch-system'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { newUserId, ShopClient } from './shop-client.ts'
import { besidesRefusals, fitsAnyScreen, openUi, type TestUi, violations } from './ui-fixture.ts'

let system: SystemHandle
let shop: ShopClient
let desk: TestUi
beforeAll(async () => {
  system = await startSystem()
  shop = new ShopClient(system.gatewayUrl)
  desk = await openUi(system.gatewayUrl, { orders: system.ordersUrl, payments: system.paymentsUrl })
})
afterEach(() => desk.leave())
afterAll(() => desk?.close())

const soon = { timeout: 20_000, interval: 50 }
const appears = (locator: Locator) => locator.first().waitFor({ state: 'visible' })
const bearer = () => ({ authorization: `Bearer ${system.operatorToken}` })

async function onPayments(statement: string): Promise<void> {
  const client = new pg.Client(system.databases.payments.owner)
  await client.connect()
  await client.query(statement).finally(() => client.end())
}

/** Orders of one account: the first of an amount that payments cannot write until `mend`, the others behind it. */
async function poisonAccount(...amounts: number[]) {
  const userId = newUserId()
  const [first = 0] = amounts
  const constraint = `poison_of_${userId}`
  const minor = Math.round(first * 100)
  await onPayments(
    `alter table payments add constraint ${constraint} check (user_id <> ${userId} or amount_minor <> ${minor}) not valid`,
  )
  await shop.openAccount(userId, 1_000)
  const orders: string[] = []
  for (const amount of amounts) orders.push((await shop.placeOrder(userId, amount)).body.id)
  await vi.waitFor(async () => {
    const letter = (await listParked()).find(({ key }) => key === String(userId))
    expect(letter?.waiting).toBe(amounts.length - 1)
  }, soon)
  const letter = (await listParked()).find(({ key }) => key === String(userId))!
  return {
    userId,
    orders,
    name: `payments/${letter.id}`,
    mend: () => onPayments(`alter table payments drop constraint ${constraint}`),
  }
}

async function listParked(): Promise<{ id: string; key: string; waiting: number }[]> {
  const answer = await fetch(`${system.paymentsUrl}/operator/dead-letters?limit=200`, { headers: bearer() })
  return (await answer.json()) as { id: string; key: string; waiting: number }[]
}
const statusOf = async (order: string) => (await shop.order(order)).body.status
const settlesAs = (order: string, status: string) =>
  vi.waitFor(async () => expect(await statusOf(order)).toBe(status), soon)

async function openDesk(page: Page, token = system.operatorToken): Promise<void> {
  await page.getByLabel('Your name').fill('Ana')
  await page.getByLabel('Operator token').fill(token)
  await page.getByRole('button', { name: 'Open the desk' }).click()
}
const card = (page: Page, name: string) => page.getByRole('article', { name, exact: true })

test('in a browser: a wrong token is refused; what is parked is seen, tried, redriven and recorded', async () => {
  const poisoned = await poisonAccount(66.13, 5)
  const { page, complaints } = await desk.visit('/')
  await page.getByRole('link', { name: 'Dead letters' }).click()
  await page.getByRole('button', { name: 'Open the desk' }).click()
  await appears(page.getByText('Write your name.'))
  await openDesk(page, 'not-the-operator-token')
  await appears(page.getByRole('alert').filter({ hasText: 'This is not the operator token' }))
  await page.getByRole('button', { name: 'Try again' }).click()
  await openDesk(page)

  const letter = card(page, poisoned.name)
  await appears(letter.getByText(`poison_of_${poisoned.userId}`))
  const payload = await letter.getByRole('region', { name: /^Payload/ }).textContent()
  expect(JSON.parse(payload ?? '')).toMatchObject({ order_id: poisoned.orders[0], amount: 66.13 })
  await letter.getByText('1 message of this key waits behind it').click()
  await appears(letter.getByText(poisoned.orders[1]!))

  const preview = letter.getByRole('region', { name: 'Dry run of the redrive: nothing is changed' })
  await letter.getByRole('button', { name: 'Dry run' }).click()
  await appears(preview.getByText('would fail again, and nothing would change'))
  await letter.getByRole('button', { name: 'Redrive' }).click()
  await appears(letter.getByRole('alert').filter({ hasText: 'It failed again, and nothing has changed.' }))
  const acts = page.getByRole('list', { name: 'What was done' }).getByRole('listitem')
  await appears(acts.filter({ hasText: `redrive ${poisoned.name}, failed, by Ana` }))

  await poisoned.mend()
  await letter.getByRole('button', { name: 'Dry run' }).click()
  await appears(preview.getByText('ledger_entries: 2 inserted'))
  expect(await preview.getByText('would be handled').count()).toBe(2)
  await appears(preview.getByText(`"order_id":"${poisoned.orders[0]}"`))
  expect((await shop.account(poisoned.userId)).body.balance).toBe(1_000)

  await letter.getByRole('button', { name: 'Redrive' }).dblclick()
  const told = page.getByRole('status').filter({ hasText: `${poisoned.name}: 2 messages handled.` })
  await appears(told)
  // The card is gone; the keyboard goes on from what was told.
  expect(await page.evaluate('document.activeElement.textContent')).toContain('2 messages handled')
  await letter.waitFor({ state: 'hidden' })
  for (const order of poisoned.orders) await settlesAs(order, 'FINISHED')
  expect((await shop.account(poisoned.userId)).body.balance).toBe(928.87)
  await appears(acts.filter({ hasText: `redrive ${poisoned.name}, done, by Ana` }))

  expect(await page.evaluate('localStorage.length')).toBe(0)
  await page.getByRole('button', { name: 'Leave' }).click()
  await appears(page.getByLabel('Operator token'))
  expect(await page.evaluate('sessionStorage.length')).toBe(0)
  expect(besidesRefusals(complaints)).toEqual([])
})

test('in a browser: a discard needs a reason, and the orders behind it go on; by keyboard, on a narrow screen', async () => {
  const poisoned = await poisonAccount(66.14, 7)
  const { page } = await desk.visit('/dead-letters', { viewport: { width: 360, height: 740 } })
  await openDesk(page)
  const letter = card(page, poisoned.name)
  await letter.getByRole('button', { name: 'Discard…' }).press('Enter')
  // The field has the focus.
  await page.keyboard.press('Enter')
  await appears(letter.getByText('Say why.'))
  await letter.getByRole('button', { name: 'Dry run of the discard' }).press('Enter')
  const preview = letter.getByRole('region', { name: 'Dry run of the discard: nothing is changed' })
  await appears(preview.getByText('would be given up'))
  expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
  expect(await statusOf(poisoned.orders[1]!)).toBe('NEW')
  await letter.getByLabel(`Why is ${poisoned.name} given up?`).fill('a test order')
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    expect(await violations(page), colorScheme).toEqual([])
  }
  await page.keyboard.press('Enter')
  await appears(page.getByRole('status').filter({ hasText: 'Given up. 1 message handled.' }))
  await settlesAs(poisoned.orders[1]!, 'FINISHED')
  expect(await statusOf(poisoned.orders[0]!)).toBe('NEW')
  await appears(page.getByText('a test order'))
  await poisoned.mend()
})

test('the public addresses lead to none of it, with the token or without', async () => {
  const shopUi = await openUi(system.gatewayUrl)
  try {
    const { page } = await shopUi.visit('/dead-letters')
    await appears(page.getByText('Not at this address'))
    expect(await page.getByRole('link', { name: 'Dead letters' }).count()).toBe(0)
    for (const path of ['/operator/dead-letters', '/operator/acts', '/operator/payments/dead-letters']) {
      for (const [base, method] of [
        [system.gatewayUrl, 'GET'],
        [system.gatewayUrl, 'POST'],
        [`${shopUi.url}/api`, 'GET'],
        [shopUi.url, 'POST'],
      ]) {
        const answer = await fetch(base + path, { method, headers: bearer() })
        expect(answer.status, `${method} ${base}${path}`).toBe(404)
      }
    }
    const document = await (await fetch(`${system.gatewayUrl}/openapi.json`)).text()
    expect(document).not.toContain('/operator')
  } finally {
    await shopUi.close()
  }
})

type Ran = { code: number; text: string }
/** One of the project's commands, as a person runs it. */
function run(command: string, args: string[], env: Record<string, string> = {}): Promise<Ran> {
  const variables = {
    ORDERS_URL: system.ordersUrl,
    PAYMENTS_URL: system.paymentsUrl,
    OPERATOR_TOKEN: system.operatorToken,
    ...env,
  }
  return new Promise(resolve => {
    execFile(
      process.execPath,
      [`${import.meta.dirname}/../scripts/${command}.ts`, ...args],
      { env: { ...process.env, ...variables } },
      (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), text: stdout + stderr }),
    )
  })
}

test('on the command line: list, show, dry run, redrive, discard and acts', async () => {
  const [poisoned, other] = [await poisonAccount(66.15, 3), await poisonAccount(66.16)]
  const { code, text } = await run('dead-letters', ['list'])
  expect(code).toBe(0)
  expect(text).toContain(`${poisoned.name}  key ${poisoned.userId}`)
  expect(text).toContain('1 message waiting behind it')
  expect((await run('dead-letters', ['show', poisoned.name])).text).toContain('header     ce_id')

  const dryRun = await run('dead-letters', ['redrive', poisoned.name, '--dry-run'])
  expect([dryRun.code, dryRun.text]).toEqual([1, expect.stringContaining('would fail again')])
  await poisoned.mend()
  const redriven = await run('dead-letters', ['redrive', poisoned.name, '--who', 'ben', '--why', 'mended'])
  expect([redriven.code, redriven.text]).toEqual([0, expect.stringContaining('2 messages handled.')])
  for (const order of poisoned.orders) await settlesAs(order, 'FINISHED')

  expect((await run('dead-letters', ['discard', other.name, '--why', 'a test'])).code).toBe(0)
  expect((await run('dead-letters', ['acts'])).text).toContain(`redrive ${poisoned.name} done by ben: mended`)
  await other.mend()
})

test('the command line without the right token or a service says what to do', async () => {
  const cases: [Record<string, string>, string][] = [
    [{ OPERATOR_TOKEN: '' }, 'OPERATOR_TOKEN is not set'],
    [{ OPERATOR_TOKEN: 'another-operator-token' }, 'This is not the operator token'],
    [{ ORDERS_URL: 'http://127.0.0.1:9' }, 'The orders service does not answer'],
  ]
  await Promise.all(
    cases.map(async ([env, told]) => {
      const { code, text } = await run('dead-letters', ['list'], env)
      expect([code, text]).toEqual([1, expect.stringContaining(told)])
      expect(text).not.toContain('    at ')
    }),
  )
})

test('replay tells what it would send, and with --yes sends the same messages in the same order to a side topic', async () => {
  const userId = newUserId()
  await shop.openAccount(userId, 100)
  const orders: string[] = []
  for (const amount of [1, 2, 3]) orders.push((await shop.placeOrder(userId, amount)).body.id)
  for (const order of orders) await settlesAs(order, 'FINISHED')
  const { host, port, database, user, password } = system.databases.orders
  const env = {
    KAFKA_BROKERS: system.brokers.join(','),
    ORDERS_DB_HOST: host,
    ORDERS_DB_PORT: String(port),
    ORDERS_DB_NAME: database,
    ORDERS_DB_USER: user,
    ORDERS_DB_PASSWORD: password,
  }
  const range = ['orders', '--key', String(userId), '--topic', 'order_payment_tasks']
  const side = uniqueName('tasks-again')
  // The relay's cursor, which tells what is published, is stored once a second.
  await vi.waitFor(async () => {
    const plan = await run('replay', [...range, '--to', side], env)
    expect(plan).toMatchObject({
      code: 0,
      text: expect.stringMatching(/Events +3\nKeys +1: \d+\nFirst +id \d+, /),
    })
    expect(plan.text).toContain('Nothing was sent. Add --yes')
  }, soon)
  const sent = await run('replay', [...range, '--to', side, '--yes'], env)
  expect([sent.code, sent.text]).toEqual([0, expect.stringContaining('Sent 3 of 3 events.')])

  const again = await readTopic(side, 3)
  const first = (await readTopic('order_payment_tasks', 1, String(userId))).filter(
    ({ key }) => key === String(userId),
  )
  expect(again.map(({ orderId }) => orderId)).toEqual(orders)
  expect(again.map(({ id }) => id)).toEqual(first.map(({ id }) => id))

  // To their own topic: the inbox knows them, and nobody pays twice.
  expect((await run('replay', [...range, '--yes'], env)).code).toBe(0)
  await shop.placeOrder(userId, 4)
  await vi.waitFor(async () => expect((await shop.account(userId)).body.balance).toBe(90), soon)
  expect((await shop.ledger(userId)).body).toHaveLength(5)
})

test('in a browser: the header, with one page more, fits any screen', () =>
  fitsAnyScreen(desk, '/dead-letters'))

/** Reads from the start until `count` have come (of this key). */
async function readTopic(topic: string, count: number, of?: string) {
  const consumer = new Kafka({ brokers: system.brokers, logLevel: logLevel.NOTHING }).consumer({
    groupId: `reader-${randomUUID()}`,
  })
  const read: { key: string; id: string; orderId: string }[] = []
  await consumer.connect()
  try {
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      eachMessage: async ({ message }) => {
        const key = String(message.key)
        if (of !== undefined && key !== of) return
        const { order_id } = JSON.parse(String(message.value)) as { order_id: string }
        read.push({ key, id: String(message.headers?.ce_id), orderId: order_id })
      },
    })
    await vi.waitFor(() => expect(read.length).toBeGreaterThanOrEqual(count), soon)
    return [...read]
  } finally {
    await consumer.disconnect()
  }
}

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Page, Route } from 'playwright-core'
import { startSystem } from 'scripts/test-infrastructure'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { openApp } from '../ui/app.ts'
import { newUserId, ShopClient } from './shop-client.ts'
import { fitsAnyScreen, openUi, type TestUi, violations } from './ui-fixture.ts'

/** Every page in every state it can be in: no violation by axe, and nothing wider than the narrowest screen. */

const long = `${'A description that goes on and on. '.repeat(20)}${'x'.repeat(200)}`
const rightToLeft = 'طلب رقم ١٢ (قهوة مع هيل) - 3 قطع'

let ui: TestUi
let shop: ShopClient
let userId: number
let emptyUserId: number
/** Has no money, and orders that are declined for it. */
let poorUserId: number
let orderId: string
let cancelledId: string
beforeAll(async () => {
  const system = await startSystem()
  shop = new ShopClient(system.gatewayUrl)
  ui = await openUi(system.gatewayUrl)
  userId = Number.MAX_SAFE_INTEGER - newUserId()
  emptyUserId = newUserId()
  poorUserId = newUserId()
  await shop.openAccount(userId, 9_999_999_999.99)
  await shop.openAccount(emptyUserId)
  await shop.openAccount(poorUserId)
  for (let deposit = 0; deposit < 3; deposit++) await shop.changeBalance(userId, 9_999_999_999.99)
  const place = async (amount: number, description: string) =>
    (await shop.call<{ id: string }>('POST', '/orders', { user_id: userId, amount, description })).body.id
  orderId = await place(9_999_999_999.99, long)
  await place(1, rightToLeft)
  await place(9_999_999_999.99, 'Everything')
  await place(9_999_999_999.99, 'Everything again')
  cancelledId = await place(9_999_999_999.99, 'Not affordable any more')
  await vi.waitFor(async () => expect((await shop.order(cancelledId)).body.status).toBe('CANCELLED'), {
    timeout: 20_000,
  })
})
afterEach(() => ui.leave())
afterAll(() => ui?.close())

type State = {
  name: string
  path: () => string
  /** Text that shows that the state is reached. */
  shows: string | RegExp
  prepare?: (page: Page) => Promise<unknown>
  act?: (page: Page) => Promise<void>
}

const never = (_route: Route) => new Promise<void>(() => undefined)
const fail = (route: Route) =>
  route.fulfill({
    status: 503,
    contentType: 'application/problem+json',
    body: JSON.stringify({
      status: 503,
      code: 'upstream_unavailable',
      detail: 'The orders service does not answer. Try again.',
      request_id: '019aa5c0-7d2e-7c3f-9a51-0d2f6c1b8e90',
    }),
  })
const api = (path: string) => new RegExp(`/api${path}`)

const silencePayments = (page: Page) =>
  page.route(api('/stats'), async route => {
    const response = await route.fetch()
    await route.fulfill({ response, json: { ...(await response.json()), payments: null } })
  })

const states: State[] = [
  { name: 'shop, nobody chosen', path: () => '/', shows: 'Which account do you shop with?' },
  {
    name: 'shop, unknown account',
    path: () => `/?user=${newUserId()}`,
    shows: 'There is no account with this number yet.',
  },
  { name: 'shop, no orders', path: () => `/?user=${emptyUserId}`, shows: 'No orders yet.' },
  {
    name: 'shop, long, large and right to left',
    path: () => `/?user=${userId}`,
    shows: 'Not affordable any more',
  },
  {
    name: 'shop, what is typed is wrong',
    path: () => `/?user=${userId}`,
    shows: 'At most two digits after the point.',
    act: async page => {
      await page.getByLabel('Amount', { exact: true }).fill('1.234')
      await page.getByLabel('Description').fill('x'.repeat(1_001))
    },
  },
  {
    name: 'shop, refused',
    path: () => `/?user=${emptyUserId}`,
    shows: /balance/i,
    act: async page => {
      await page.getByLabel('Deposit or withdraw').fill('5')
      await page.getByRole('button', { name: 'Withdraw' }).click()
      await page.getByRole('alert').waitFor()
    },
  },
  {
    name: 'shop, order on its way to a slow server',
    path: () => `/?user=${userId}`,
    shows: 'The server is slow.',
    prepare: page => page.route(api('/orders$'), never),
    act: async page => {
      await page.getByLabel('Amount', { exact: true }).fill('1')
      await page.getByRole('button', { name: 'Place order' }).click()
    },
  },
  {
    name: 'shop, slow server',
    path: () => `/?user=${userId}`,
    shows: 'Still waiting for the server',
    prepare: page => page.route(api('/users/'), never),
  },
  {
    name: 'shop, account unreadable',
    path: () => `/?user=${userId}`,
    shows: 'The orders service does not answer.',
    prepare: page => page.route(api('/users/'), fail),
  },
  { name: 'orders', path: () => `/orders?user=${userId}`, shows: 'Not affordable any more' },
  {
    name: 'orders, none',
    path: () => `/orders?user=${emptyUserId}&status=pending`,
    shows: 'Nothing matches these filters',
  },
  {
    name: 'orders, unreadable',
    path: () => '/orders',
    shows: 'The orders service does not answer.',
    prepare: page => page.route(api('/orders\\?'), fail),
  },
  { name: 'one order', path: () => `/orders/${orderId}`, shows: /^Settled in/ },
  { name: 'one order, cancelled', path: () => `/orders/${cancelledId}`, shows: 'Nothing was debited.' },
  {
    name: 'one order, on its way',
    path: () => `/orders/${orderId}`,
    shows: 'Not settled yet',
    prepare: async page => {
      await page.route(api(`/orders/${orderId}$`), async route => {
        const response = await route.fetch()
        await route.fulfill({ response, json: { ...(await response.json()), status: 'NEW' } })
      })
      await page.route(api('/orders/.*/timeline'), async route => {
        const response = await route.fetch()
        const { order_id, hops } = await response.json()
        await route.fulfill({
          response,
          json: { order_id, hops: hops.slice(0, 3), missing: ['payments-service'] },
        })
      })
    },
  },
  {
    name: 'one order, unknown',
    path: () => '/orders/01980000-0000-7000-8000-000000000000',
    shows: 'There is no such order',
  },
  { name: 'one order, no id at all', path: () => '/orders/coffee', shows: 'There is no such order' },
  { name: 'accounts', path: () => '/accounts', shows: /^Account \d/ },
  { name: 'account', path: () => `/accounts/${userId}`, shows: 'Balance after' },
  { name: 'account, empty', path: () => `/accounts/${emptyUserId}`, shows: 'Nothing in the ledger yet' },
  { name: 'account, unknown', path: () => '/accounts/9007199254740990', shows: 'There is no such account' },
  { name: 'account, no number at all', path: () => '/accounts/everyone', shows: 'There is no such account' },
  { name: 'flow', path: () => '/flow', shows: 'Nothing is parked' },
  {
    name: 'flow, a service silent',
    path: () => '/flow',
    shows: 'payments-service does not answer',
    prepare: silencePayments,
  },
  {
    name: 'page not loaded',
    path: () => '/flow',
    shows: 'This page could not be loaded.',
    prepare: page => page.route('**/assets/flow-page*', route => route.abort()),
  },
  { name: 'no page', path: () => '/nowhere', shows: 'There is no such page' },
  {
    name: 'stream lost',
    path: () => `/orders?user=${userId}`,
    shows: 'Live updates are interrupted',
    prepare: page => page.route(api('/orders/events'), route => route.abort()),
  },
  {
    name: 'notifications',
    path: () => `/orders?user=${poorUserId}`,
    shows: 'The balance of account',
    prepare: page => page.addInitScript(`localStorage.setItem('account', '${poorUserId}')`),
    act: async page => {
      await page.getByText('Live', { exact: true }).waitFor()
      await shop.placeOrder(poorUserId, 3)
      await page.locator('.toast').waitFor()
      await page.getByRole('button', { name: /^Notifications/ }).click()
    },
  },
]

/** Account numbers and links to orders, which nobody can guess the rest of. */
const cut = (page: Page) =>
  page.evaluate<string[]>(`[...document.querySelectorAll('.virtual-row :is(.cell-account, .cell-kind)')]
    .filter(cell => cell.scrollWidth > cell.clientWidth)
    .map(cell => cell.innerText)`)

describe('without a violation in light and dark, and at 320 px', () => {
  test.each(states)('$name', async ({ path, shows, prepare, act }) => {
    const { page } = await ui.visit('about:blank', { reducedMotion: 'reduce' })
    await prepare?.(page)
    await page.goto(ui.url + path())
    await act?.(page)
    await page.getByText(shows).filter({ visible: true }).first().waitFor()
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      expect(await violations(page), colorScheme).toEqual([])
    }
    expect(await cut(page)).toEqual([])
    await page.setViewportSize({ width: 320, height: 640 })
    // Polled, since the first layout after a resize may be a pixel off.
    await vi.waitFor(async () => {
      const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - window.innerWidth')
      expect(overflow).toBeLessThanOrEqual(0)
      expect(await cut(page)).toEqual([])
    })
  })
})

test('what a service has that is silent is not told to be nothing', async () => {
  const { page } = await ui.visit('about:blank')
  await silencePayments(page)
  await page.goto(`${ui.url}/flow`)
  await expect.poll(() => page.getByText('Not known while a service does not answer').count()).toBe(2)
  expect(await page.getByText('Nothing is parked').count()).toBe(0)
})

test('a refusal of the gateway reaches the browser at once, and the gateway is asked once', async () => {
  let asked = 0
  const gateway = createServer((_request, response) => {
    asked++
    response.writeHead(503, { 'retry-after': '1', 'content-type': 'application/problem+json' }).end('{}')
  }).listen(0, '127.0.0.1')
  await once(gateway, 'listening')
  const url = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`
  const app = await openApp({ GATEWAY_URL: url, CURRENCY: 'USD' }, { orders: url })
  for (const path of ['/api/users/1', '/operator/orders/acts'])
    expect((await app.inject(path)).statusCode, path).toBe(503)
  expect(asked).toBe(2)
  await app.close()
  gateway.close()
})

test('the header is no wider than any screen, while the stream is not live yet too', () =>
  fitsAnyScreen(ui, '/'))

test('the number of an account and why an order was cancelled are shown whole, however long they are', async () => {
  const order = { user_id: userId, amount: 9_999_999_999.99, description: long }
  const placed = await shop.call<{ id: string }>('POST', '/orders', order)
  await vi.waitFor(async () => expect((await shop.order(placed.body.id)).body.status).toBe('CANCELLED'), {
    timeout: 20_000,
  })
  const { page } = await ui.visit('about:blank')
  for (const path of [`/?user=${userId}`, `/orders?user=${userId}`]) {
    await page.goto(ui.url + path)
    await page.getByText('The balance did not cover it.').first().waitFor()
    for (const width of [1_280, 360]) {
      await page.setViewportSize({ width, height: 860 })
      await expect
        .poll(
          () =>
            page.evaluate<string[]>(`[...document.querySelectorAll('.field.inline input, .row-reason')]
          .filter(part => part.scrollWidth > part.clientWidth)
          .map(part => part.value ?? part.innerText)`),
          { message: `${path} at ${width} px` },
        )
        .toEqual([])
    }
  }
})

test('charts are drawn where the browser has a language that Intl does not know', async () => {
  const { page, complaints } = await ui.visit('about:blank')
  await page.addInitScript(
    `Object.defineProperty(Navigator.prototype, 'language', { get: () => 'en-US@posix' })`,
  )
  await page.goto(`${ui.url}/flow`)
  await page.locator('.chart canvas').first().waitFor()
  expect(complaints).toEqual([])
})

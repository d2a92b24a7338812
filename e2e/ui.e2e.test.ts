import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Locator, Page } from 'playwright-core'
import { startSystem } from 'scripts/test-infrastructure'
import type { LaunchedSystem } from 'scripts/testing/launch-system'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { apiTypes, apiTypesFile } from '../ui/api-types.ts'
import { distFolder } from '../ui/build.ts'
import { newUserId, ShopClient } from './shop-client.ts'
import { besidesRefusals, openUi, type TestUi } from './ui-fixture.ts'

let system: LaunchedSystem
let shop: ShopClient
let ui: TestUi
beforeAll(async () => {
  system = await startSystem({ private: true })
  shop = new ShopClient(system.gatewayUrl)
  ui = await openUi(system.gatewayUrl)
})
afterEach(() => ui.leave())
afterAll(async () => {
  await ui?.close()
  await system?.stop()
})

const soon = { timeout: 20_000 }
/** Playwright's own waiting, as a promise that fails with what it waited for. */
const appears = (locator: Locator) => locator.first().waitFor({ state: 'visible' })
const isGone = (locator: Locator) => locator.waitFor({ state: 'hidden' })
const until = (check: () => Promise<void>) => vi.waitFor(check, soon)

const recent = (page: Page) => page.getByRole('list', { name: 'Recent orders' }).getByRole('listitem')
const balance = (page: Page) => page.locator('.balance')
const rows = (page: Page) => page.getByRole('row').filter({ has: page.getByRole('cell') })

async function newAccount(money = 100): Promise<number> {
  const userId = newUserId()
  await shop.openAccount(userId, money)
  return userId
}

async function place(page: Page, amount: string, description = ''): Promise<void> {
  await page.getByLabel('Amount', { exact: true }).fill(amount)
  await page.getByLabel('Description').fill(description)
  await page.getByRole('button', { name: 'Place order' }).click()
}

describe('in the shop', () => {
  test('somebody opens an account, deposits, and sees an order settle and the balance follow, without reloading', async () => {
    const userId = newUserId()
    const { page, complaints } = await ui.visit('/')
    await page.getByLabel('Account').fill(String(userId))
    await page.getByRole('button', { name: 'Use' }).click()
    await page.getByLabel('Opening balance').fill('20')
    await page.getByRole('button', { name: 'Open account' }).click()
    await until(async () => expect(await balance(page).textContent()).toBe('$20.00'))

    await page.getByLabel('Deposit or withdraw').fill('1,000.50')
    await page.getByRole('button', { name: 'Deposit' }).click()
    await appears(page.getByText('Deposited $1,000.50.'))
    await until(async () => expect(await balance(page).textContent()).toBe('$1,020.50'))

    await place(page, '20.25', 'Two books')
    await appears(recent(page).filter({ hasText: 'Two books' }).filter({ hasText: 'Finished' }))
    await until(async () => expect(await balance(page).textContent()).toBe('$1,000.25'))

    await page.getByLabel('Amount', { exact: true }).fill('5000')
    await appears(page.getByText('More than the balance at the moment'))
    await place(page, '5000', 'Bicycle')
    const cancelled = recent(page).filter({ hasText: 'Bicycle' }).filter({ hasText: 'Cancelled' })
    await appears(cancelled.getByText('The balance did not cover it.'))
    expect(await balance(page).textContent()).toBe('$1,000.25')
    // The one refusal is the account that was not there yet.
    expect(besidesRefusals(complaints)).toEqual([])
  })

  test('what is typed is checked as it is typed, and a refusal has the words of the server', async () => {
    const { page } = await ui.visit(`/?user=${await newAccount(5)}`)
    const amount = page.getByLabel('Amount', { exact: true })
    await amount.fill('1.234')
    await appears(page.getByText('At most two digits after the point.'))
    expect(await amount.getAttribute('aria-invalid')).toBe('true')
    const said = page.getByRole('alert')
    expect(await said.textContent()).toBe('At most two digits after the point.')
    await amount.fill('')
    await isGone(said)
    await page.getByLabel('Deposit or withdraw').fill('5.01')
    await page.getByRole('button', { name: 'Withdraw' }).click()
    await appears(said)
    const { body } = await shop.call<{ detail: string }>('PATCH', `/users/${await newAccount(5)}`, {
      balance_change: -5.01,
    })
    expect(await said.textContent()).toContain(body.detail)
  })

  test('a refused amount has the focus, with what is wrong with it', async () => {
    const { page } = await ui.visit(`/?user=${await newAccount()}`)
    const told = () =>
      page.evaluate<string>(`(() => {
        const { labels, ariaDescribedByElements } = document.activeElement
        return [...(labels ?? []), ...(ariaDescribedByElements ?? [])].map(({ innerText }) => innerText).join(': ')
      })()`)
    await page.getByRole('button', { name: 'Place order' }).click()
    await until(async () => expect(await told()).toBe('Amount: Write what the order costs.'))
    await page.getByRole('button', { name: 'Withdraw' }).click()
    await until(async () => expect(await told()).toBe('Deposit or withdraw: Write an amount first.'))
    await page.goto(`/?user=${newUserId()}`)
    await page.getByLabel('Opening balance').fill('-1')
    await page.getByRole('button', { name: 'Open account' }).click()
    await until(async () => expect(await told()).toBe('Opening balance: Write the amount without a sign.'))
  })

  test('what is typed while an order is being sent stays, and can be placed at once', async () => {
    const userId = await newAccount()
    const { page } = await ui.visit(`/?user=${userId}`)
    const first = Promise.withResolvers<void>()
    let sent = 0
    await page.route('**/api/orders', async route => {
      if (sent++ === 0) await first.promise
      await route.continue()
    })
    await place(page, '1', 'First')
    await appears(recent(page).filter({ hasText: 'First' }).filter({ hasText: 'Sending' }))
    await place(page, '2', 'Second')
    await appears(recent(page).filter({ hasText: 'Second' }).filter({ hasText: 'Finished' }))
    await page.getByLabel('Description').fill('Third')
    first.resolve()
    await appears(recent(page).filter({ hasText: 'First' }).filter({ hasText: 'Finished' }))
    expect(await page.getByLabel('Description').inputValue()).toBe('Third')
    expect(await page.getByLabel('Amount', { exact: true }).inputValue()).toBe('')
    expect((await shop.orders(userId)).body).toHaveLength(2)
  })

  test('an order that is refused when another is typed already is named', async () => {
    const { page } = await ui.visit(`/?user=${await newAccount()}`)
    const refused = Promise.withResolvers<void>()
    await page.route('**/api/orders', async route => {
      await refused.promise
      await route.fulfill({
        status: 400,
        json: { status: 400, code: 'invalid_request', detail: 'No such thing.' },
      })
    })
    await place(page, '1', 'First')
    await appears(recent(page).filter({ hasText: 'Sending' }))
    await page.getByLabel('Description').fill('Second')
    refused.resolve()
    await appears(page.getByRole('alert').getByText('$1.00, First: No such thing.'))
    expect(await page.getByLabel('Description').inputValue()).toBe('Second')
  })

  test('an amount typed while a deposit is being sent stays', async () => {
    const { page } = await ui.visit(`/?user=${await newAccount()}`)
    const answer = Promise.withResolvers<void>()
    await page.route('**/api/users/*', async route => {
      if (route.request().method() === 'PATCH') await answer.promise
      await route.continue()
    })
    const amount = page.getByLabel('Deposit or withdraw')
    await amount.fill('5')
    await page.getByRole('button', { name: 'Deposit' }).click()
    await appears(page.getByText('Sending…'))
    await amount.fill('7')
    answer.resolve()
    await appears(page.getByText('Deposited $5.00.'))
    expect(await amount.inputValue()).toBe('7')
  })

  test('an order settles in another tab too', async () => {
    const userId = await newAccount()
    const { context, page } = await ui.visit(`/?user=${userId}`)
    const other = await context.newPage()
    await other.goto(`/orders?user=${userId}`)
    await appears(other.getByText('Nothing matches these filters'))
    await place(page, '3', 'Seen from elsewhere')
    await appears(rows(other).filter({ hasText: 'Seen from elsewhere' }).filter({ hasText: 'Finished' }))
  })

  test('eight tabs share one stream, and each gets its answers', async () => {
    const userId = await newAccount()
    const { context, page } = await ui.visit(`/?user=${userId}`)
    const tabs = [page]
    for (let more = 0; more < 7; more++) {
      const tab = await context.newPage()
      await tab.goto(`/?user=${userId}`)
      tabs.push(tab)
    }
    await shop.placeOrder(userId, 5)
    for (const tab of tabs) {
      await appears(tab.getByText('Live', { exact: true }))
      await appears(recent(tab).filter({ hasText: 'Finished' }))
    }
    // The tab that reads for all goes; the next one takes over.
    await page.close()
    await shop.placeOrder(userId, 6)
    for (const tab of tabs.slice(1)) await until(async () => expect(await recent(tab).count()).toBe(2))
  })

  test('a double click places one order', async () => {
    const userId = await newAccount()
    const { page } = await ui.visit(`/?user=${userId}`)
    await page.getByLabel('Amount', { exact: true }).fill('4')
    await page.getByRole('button', { name: 'Place order' }).dblclick()
    await appears(recent(page).filter({ hasText: 'Finished' }))
    expect((await shop.orders(userId)).body).toHaveLength(1)
  })

  test('a server that answers after 5 s is waited for, and the order is placed once', async () => {
    const userId = await newAccount()
    const { page, complaints } = await ui.visit(`/?user=${userId}`)
    await page.route('**/api/orders', async route => {
      await new Promise(resolve => setTimeout(resolve, 5_000))
      await route.continue()
    })
    await place(page, '6', 'Slow')
    await appears(recent(page).filter({ hasText: 'Slow' }).filter({ hasText: 'Sending' }))
    await appears(page.getByText('The server is slow.'))
    // Impatience changes nothing.
    await page.getByRole('button', { name: 'Placing…' }).click()
    await appears(recent(page).filter({ hasText: 'Slow' }).filter({ hasText: 'Finished' }))
    expect((await shop.orders(userId)).body).toHaveLength(1)
    expect(complaints).toEqual([])
  })

  test('a page reloaded in mid-order finishes it, once', async () => {
    const userId = await newAccount()
    const { page } = await ui.visit(`/?user=${userId}`)
    const keys: (string | undefined)[] = []
    let hold = true
    await page.route('**/api/orders', async route => {
      keys.push(route.request().headers()['idempotency-key'])
      if (!hold) return route.continue()
      // The server has placed it; its answer never arrives.
      hold = false
      await route.fetch()
    })
    await place(page, '7', 'Reloaded')
    await until(async () => expect((await shop.orders(userId)).body).toHaveLength(1))
    await page.reload()
    await appears(recent(page).filter({ hasText: 'Reloaded' }).filter({ hasText: 'Finished' }))
    await until(async () => expect(keys).toHaveLength(2))
    expect(keys[1]).toBe(keys[0])
    await until(async () => expect(await recent(page).count()).toBe(1))
    expect((await shop.orders(userId)).body).toHaveLength(1)
    expect(await page.evaluate('sessionStorage.length')).toBe(0)
  })

  test('an answer that was lost is asked for again under the same key', async () => {
    const userId = await newAccount()
    const { page } = await ui.visit(`/?user=${userId}`)
    let losses = 2
    await page.route('**/api/orders', async route => {
      if (losses-- <= 0) return route.continue()
      await route.fetch()
      await route.abort('connectionreset')
    })
    await place(page, '8', 'Lost twice')
    await appears(recent(page).filter({ hasText: 'Lost twice' }).filter({ hasText: 'Finished' }))
    expect((await shop.orders(userId)).body).toHaveLength(1)
  })

  test('everything can be done with the keyboard alone', async () => {
    const userId = newUserId()
    const { page } = await ui.visit('/')
    const tabTo = async (name: RegExp) => {
      for (let presses = 0; presses < 40; presses++) {
        await page.keyboard.press('Tab')
        const focused = await page.evaluate<string | undefined>(`(() => {
          const element = document.activeElement
          return element.getAttribute('aria-label') ?? element.labels?.[0]?.innerText ?? element.innerText
        })()`)
        if (name.test(focused ?? '')) return
      }
      throw new Error(`no way to ${name} by Tab`)
    }
    const go = async (name: RegExp, keys: string) => {
      await tabTo(name)
      await page.keyboard.type(keys)
    }
    await appears(page.getByRole('heading', { name: 'Shop' }))
    await page.keyboard.press('Tab')
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to content')
    await page.keyboard.press('Enter')
    await go(/^Account$/, String(userId))
    await page.keyboard.press('Enter')
    await appears(page.getByRole('heading', { name: `Open account ${userId}` }))
    await go(/^Opening balance$/, '50')
    await page.keyboard.press('Enter')
    await appears(page.getByRole('heading', { name: 'Place an order' }))
    await go(/^Amount$/, '12.5')
    await go(/^Description/, 'By keyboard')
    await page.keyboard.press('Enter')
    await appears(recent(page).filter({ hasText: 'Finished' }))
    await tabTo(/^By keyboard$/)
    await page.keyboard.press('Enter')
    await appears(page.getByRole('heading', { name: 'Its way through the system' }))
    // The new page has the focus, so that reading and tabbing go on there.
    expect(await page.evaluate(`document.activeElement.closest('main') !== null`)).toBe(true)
    await page.goBack()
    await tabTo(/^Notifications/)
    await page.keyboard.press('Enter')
    await appears(page.getByRole('dialog', { name: 'Settled while you were elsewhere' }))
    await page.keyboard.press('Escape')
    await isGone(page.getByRole('dialog', { name: 'Settled while you were elsewhere' }))
  })
})

describe('live', () => {
  test('a stream that is cut says so and since when, and catches up with no order missing or doubled', async () => {
    const userId = await newAccount(1_000)
    const { page, complaints } = await ui.visit(`/orders?user=${userId}`)
    await appears(page.getByText('Live', { exact: true }))
    await shop.placeOrder(userId, 1)
    await until(async () => expect(await rows(page).count()).toBe(1))

    ui.wire.cut()
    const banner = page.getByText('Live updates are interrupted')
    await appears(banner)
    await appears(page.getByText(/since \d\d:\d\d:\d\d/))
    const placed = await Promise.all([2, 3, 4, 5, 6].map(amount => shop.placeOrder(userId, amount)))
    await until(async () => {
      const { body } = await shop.orders(userId)
      expect(body.every(({ status }) => status === 'FINISHED')).toBe(true)
    })
    expect(await rows(page).count()).toBe(1)

    ui.wire.mend()
    await isGone(banner)
    await until(async () => expect(await rows(page).count()).toBe(6))
    expect(await rows(page).filter({ hasText: 'Finished' }).count()).toBe(6)
    const links = await rows(page)
      .locator('.row-link')
      .evaluateAll(all => all.map(link => link.getAttribute('href')))
    expect(new Set(links).size).toBe(6)
    for (const { body } of placed) expect(links).toContain(`/orders/${body.id}`)
    expect(besidesRefusals(complaints)).toEqual([])
  })

  test('a page opened while the gateway is away says so and recovers by itself', async () => {
    const userId = await newAccount(12)
    ui.wire.cut()
    const { page } = await ui.visit(`/?user=${userId}`)
    await appears(page.getByText('The gateway does not answer.'))
    await appears(page.getByText('Live updates are interrupted'))
    ui.wire.mend()
    await until(async () => expect(await balance(page).textContent()).toBe('$12.00'))
  })

  test('what is not known to have happened is dashed, and comes live; only the rows that changed are rendered', async () => {
    const userId = await newAccount()
    await Promise.all(Array.from({ length: 30 }, () => shop.placeOrder(userId, 1)))
    await until(async () => {
      const { body } = await shop.orders(userId)
      expect(body.filter(({ status }) => status === 'FINISHED')).toHaveLength(30)
    })
    await system.services.payments.stop()
    const waiting = await Promise.all([1, 2].map(amount => shop.placeOrder(userId, amount)))
    const ids = waiting.map(({ body }) => body.id)

    const { context, page } = await ui.visit(`/orders/${ids[0]}`)
    await appears(page.getByText('Not settled yet'))
    await appears(page.getByText('payments-service did not answer'))
    expect(await page.locator('.swim-step.is-pending').filter({ hasText: 'Not known yet' }).count()).toBe(6)
    const list = await context.newPage()
    await list.goto(`/orders?user=${userId}`)
    await until(async () => expect(await rows(list).filter({ hasText: 'Pending' }).count()).toBe(2))
    await list.evaluate('window.rowRenders = {}')

    await system.services.payments.start()
    await until(async () => expect(await rows(list).filter({ hasText: 'Pending' }).count()).toBe(0))
    // One more moves every other row down, and renders none of them.
    const { body: added } = await shop.placeOrder(userId, 3)
    await appears(rows(list).filter({ has: list.locator(`a[href="/orders/${added.id}"]`) }))
    const rendered = await list.evaluate<Record<string, number>>('window.rowRenders')
    expect(Object.keys(rendered).toSorted()).toEqual([...ids, added.id].toSorted())
    await appears(page.getByText(/^Settled in/))
    await until(async () => expect(await page.locator('.swim-step.is-done').count()).toBe(8))
    await appears(page.getByText(/order_payment_tasks · partition \d · offset \d+/))
  })

  test('an order that settles while you are elsewhere is told in a toast and kept in the list', async () => {
    const userId = await newAccount()
    const { page } = await ui.visit(`/?user=${userId}`)
    await appears(page.getByText('Live', { exact: true }))
    await page.getByRole('link', { name: 'Flow' }).click()
    await appears(page.getByRole('heading', { name: 'Flow' }))
    const { body } = await shop.placeOrder(userId, 9.5)
    await appears(page.locator('.toast').getByText('Order of $9.50 finished'))
    await page.getByRole('button', { name: /^Notifications, 1 new/ }).click()
    await page.getByRole('dialog').getByRole('link', { name: 'Order of $9.50 finished' }).click()
    await until(async () => expect(new URL(page.url()).pathname).toBe(`/orders/${body.id}`))
  })
})

describe('orders', () => {
  test('ten thousand of them stay a screenful of rows, page on by themselves, and filters are links', async () => {
    const userId = await newAccount()
    await insertOrders(userId, 10_000)
    const { page } = await ui.visit(`/orders?user=${userId}`)
    const table = page.getByRole('table', { name: 'Orders, newest first' })
    await appears(rows(page))
    const started = performance.now()
    await until(async () => {
      await table.evaluate(element => element.scrollTo(0, element.scrollHeight))
      expect(await table.getByText('Order 1', { exact: true }).count()).toBe(1)
    })
    expect(await rows(page).count()).toBeLessThan(60)
    expect(await table.getAttribute('aria-rowcount')).toBe('10001')
    // Fifty pages from the server and all the scrolling; a frame each would be far less than this.
    expect(performance.now() - started).toBeLessThan(20_000)

    await page.getByRole('link', { name: 'Cancelled' }).click()
    await until(async () => expect(page.url()).toContain('status=cancelled'))
    await page.goto(page.url())
    await appears(rows(page).filter({ hasText: 'Cancelled' }))
    expect(await rows(page).filter({ hasText: 'Finished' }).count()).toBe(0)
    expect(await page.getByLabel('Account').inputValue()).toBe(String(userId))
  }, 120_000)

  async function insertOrders(userId: number, count: number): Promise<void> {
    const { default: pg } = await import('pg')
    const client = new pg.Client(system.databases.orders)
    await client.connect()
    // Each a millisecond older than the one after it, as if placed so.
    await client.query(
      `insert into orders (id, user_id, amount_minor, description, status, reason, created_at, updated_at)
       select uuidv7(i * interval '1 ms' - interval '1 hour'), $1, 100 + i, 'Order ' || i,
         case when i % 10 = 0 then 'CANCELLED' else 'FINISHED' end, case when i % 10 = 0 then 'insufficient_funds' end,
         now(), now()
       from generate_series(1, $2) i`,
      [userId, count],
    )
    await client.end()
  }
})

describe('flow', () => {
  test('a burst moves its bars to the end and shows up in the numbers of the services', async () => {
    const { page, complaints } = await ui.visit('/flow')
    await page.getByText('50', { exact: true }).click()
    await page.getByRole('button', { name: 'Place a burst' }).click()
    const bar = (name: string) => page.getByRole('progressbar', { name })
    await until(async () => expect(await bar('Placed').getAttribute('aria-valuenow')).toBe('50'))
    await until(async () => expect(await bar('Settled').getAttribute('aria-valuenow')).toBe('50'))
    await appears(page.getByText('All 50 settled.'))
    await appears(page.getByRole('img', { name: /^Orders per second/ }).locator('canvas'))
    const { body } = await shop.call<{ orders: { placed: number } }>('GET', '/stats')
    expect(body.orders.placed).toBeGreaterThanOrEqual(50)
    await appears(page.getByRole('list', { name: 'Services' }).getByText('payments', { exact: true }))
    expect(complaints).toEqual([])
  })
})

describe('the page as a whole', () => {
  test('nothing comes from another host, and the policy allows nothing inline', async () => {
    const userId = await newAccount()
    const { page, asked, complaints } = await ui.visit(`/?user=${userId}`)
    for (const path of ['/orders', '/accounts', `/accounts/${userId}`, '/flow']) {
      await page.goto(path)
      await appears(page.getByRole('heading', { level: 1 }))
      await page.waitForLoadState('load')
    }
    expect(asked.filter(address => !address.startsWith(ui.url))).toEqual([])
    expect(complaints).toEqual([])
    const policy = (await fetch(ui.url)).headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'")
    expect(policy).not.toMatch(/unsafe|data:|https?:|\*/)
    // The policy is in force, not only said.
    const ran = page.evaluate(`(() => {
      const script = document.createElement('script')
      script.textContent = 'window.wasRun = true'
      document.body.append(script)
      return 'wasRun' in window
    })()`)
    expect(await ran).toBe(false)
  })

  test('the first load is at most 150 kB of gzipped JavaScript', async () => {
    type Chunk = { file: string; imports?: string[]; isEntry?: boolean }
    const text = await readFile(join(distFolder, '.vite/manifest.json'), 'utf8')
    const manifest = JSON.parse(text) as Record<string, Chunk>
    const first = new Set<string>()
    const add = (name: string) => {
      const chunk = manifest[name]
      if (!chunk || first.has(chunk.file)) return
      first.add(chunk.file)
      for (const imported of chunk.imports ?? []) add(imported)
    }
    for (const [name, chunk] of Object.entries(manifest)) if (chunk.isEntry) add(name)
    const sizes = await Promise.all(
      [...first].map(async file => gzipSync(await readFile(join(distFolder, file))).length),
    )
    expect(first.size).toBeGreaterThan(0)
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(150_000)
  })

  test('hashed files are kept for ever, the page never, and what is not there is a 404', async () => {
    const page = await fetch(`${ui.url}/orders?status=pending`)
    expect(page.headers.get('cache-control')).toBe('no-cache')
    const [script] = /\/assets\/[^"]+\.js/.exec(await page.text()) ?? []
    expect((await fetch(ui.url + script)).headers.get('cache-control')).toContain('immutable')
    expect((await fetch(`${ui.url}/assets/none.js`)).status).toBe(404)
  })

  test("its types are those of the gateway's document", async () => {
    await until(async () => {
      const document = (await (await fetch(`${system.gatewayUrl}/openapi.json`)).json()) as { paths: object }
      expect(Object.keys(document.paths)).toEqual(expect.arrayContaining(['/users', '/orders', '/stats']))
    })
    // Where this fails, the calls have changed: npm run api-types -w ui, and look at what that breaks.
    const isSame = (await apiTypes(system.gatewayUrl)) === (await readFile(apiTypesFile, 'utf8'))
    expect(isSame, 'ui/src/api/schema.d.ts is what the gateway tells of its calls').toBe(true)
  })
})

import type { AddressInfo } from 'node:net'
import { AxeBuilder } from '@axe-core/playwright'
import type { BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { expect } from 'vitest'
import { openApp } from '../ui/app.ts'
import { buildIfStale } from '../ui/build.ts'
import { openBrowser } from './ui-browser.ts'
import { Wire } from './ui-wire.ts'

export type TestUi = Awaited<ReturnType<typeof openUi>>

/** The UI's server before a running system, and a Chromium to look at it; with `operator`, as operators see it. */
export async function openUi(gatewayUrl: string, operator?: { orders: string; payments: string }) {
  const wire = new Wire(new URL(gatewayUrl))
  await buildIfStale({ info: () => undefined })
  const app = await openApp({ GATEWAY_URL: await wire.open(), CURRENCY: 'USD' }, operator)
  await app.listen({ host: '127.0.0.1', port: 0 })
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
  const browser = await openBrowser()
  const contexts: BrowserContext[] = []

  /** A visitor of their own: nothing stored, English, and a record of all that went wrong. */
  async function visit(path: string, options: BrowserContextOptions = {}): Promise<Visit> {
    const context = await browser.newContext({
      baseURL: url,
      locale: 'en-US',
      viewport: { width: 1280, height: 860 },
      ...options,
    })
    context.setDefaultTimeout(15_000)
    contexts.push(context)
    const page = await context.newPage()
    const record = watch(page)
    await page.goto(path)
    return { context, page, ...record }
  }
  return {
    url,
    wire,
    visit,
    /** Ends the visits of a test. */
    async leave() {
      for (const context of contexts.splice(0)) {
        // Routes in the middle of an answer would fail after their page is gone.
        for (const page of context.pages()) await page.unrouteAll({ behavior: 'ignoreErrors' })
        await context.close()
      }
    },
    async close() {
      await browser.close()
      await app.close()
      wire.close()
    },
  }
}

export type Visit = { context: BrowserContext; page: Page; complaints: string[]; asked: string[] }

/** What the browser complains of in its console, and every address that the page asks for. */
function watch(page: Page): { complaints: string[]; asked: string[] } {
  const complaints: string[] = []
  const asked: string[] = []
  page.on('console', message => {
    const isComplaint = message.type() === 'error' || message.type() === 'warning'
    if (isComplaint) complaints.push(`${message.text()} ${message.location().url}`)
  })
  page.on('pageerror', error => complaints.push(String(error)))
  page.on('request', request => asked.push(request.url()))
  return { complaints, asked }
}

/** The browser itself notes each answer that is no 2xx; where a test provokes those, the rest must still be clean. */
export const besidesRefusals = (complaints: string[]): string[] =>
  complaints.filter(complaint => !complaint.startsWith('Failed to load resource'))

/** What axe has against the page as it is. */
export async function violations(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze()
  return violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`,
  )
}

/** Fails where a page is wider than some screen, with the longest words that the stream's status has. */
export async function fitsAnyScreen(ui: TestUi, path: string): Promise<void> {
  const { page } = await ui.visit('about:blank')
  await page.route(/\/api\/orders\/events/, () => new Promise<void>(() => undefined))
  await page.goto(ui.url + path)
  await page.getByText('Connecting…').waitFor()
  for (let width = 1_040; width >= 320; width -= 16) {
    await page.setViewportSize({ width, height: 640 })
    // Polled, since the first layout after a resize may be a pixel off.
    await expect
      .poll(() => page.evaluate<number>('document.documentElement.scrollWidth - innerWidth'), {
        message: `${width} px`,
      })
      .toBeLessThanOrEqual(0)
  }
}

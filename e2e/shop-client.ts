import { randomInt } from 'node:crypto'

export type Account = { id: string; user_id: number; balance: number; created_at: string; updated_at: string }
export type Order = {
  id: string
  user_id: number
  amount: number
  status: 'NEW' | 'PENDING_PAYMENT' | 'FINISHED' | 'CANCELLED'
  reason?: string
}
export type LedgerEntry = { kind: string; amount: number; balance_after: number; order_id?: string }
export type Hop = { hop: string; at: string | null; topic?: string; partition?: number; offset?: number }
export type Timeline = { order_id: string; hops: Hop[]; missing?: string[] }
export type Problem = { code: string; status: number; detail: string; request_id: string }

export type Answer<Body> = { status: number; headers: Headers; body: Body }

/** Users of one test are nobody else's: a system is shared, and kept between runs. */
export const newUserId = () => randomInt(1, 2 ** 47)

/** What a program of a customer would do: plain HTTP against the one public door. */
export class ShopClient {
  readonly #url: string

  constructor(gatewayUrl: string) {
    this.#url = gatewayUrl
  }

  async call<Body>(
    method: string,
    path: string,
    body?: object,
    headers: Record<string, string> = {},
  ): Promise<Answer<Body>> {
    const answer = await fetch(this.#url + path, {
      method,
      headers: { ...(body && { 'content-type': 'application/json' }), ...headers },
      ...(body && { body: JSON.stringify(body) }),
    })
    return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Body }
  }

  openAccount = (user_id: number, balance = 0) => this.call<Account>('POST', '/users', { user_id, balance })
  account = (userId: number) => this.call<Account>('GET', `/users/${userId}`)
  changeBalance = (userId: number, balance_change: number) =>
    this.call<Account>('PATCH', `/users/${userId}`, { balance_change })
  ledger = (userId: number) => this.call<LedgerEntry[]>('GET', `/users/${userId}/ledger?limit=200`)
  placeOrder = (user_id: number, amount: number, headers: Record<string, string> = {}) =>
    this.call<Order>('POST', '/orders', { user_id, amount }, headers)
  order = (id: string) => this.call<Order>('GET', `/orders/${id}`)
  orders = (userId: number) => this.call<Order[]>('GET', `/orders/user/${userId}?limit=200`)
  timeline = (id: string) => this.call<Timeline>('GET', `/orders/${id}/timeline`)
}

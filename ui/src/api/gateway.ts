import { decimalNumber } from '../money/money.ts'
import type { OrderFilter, OrderPage } from '../orders/order-list.ts'
import type { Account, Health, LedgerEntry, Order, Stats, Timeline } from './model.ts'
import { nextCursor, request } from './request.ts'

/** The calls of the gateway that the pages make, one function each. */

type Page<Item> = { items: Item[]; next: string | undefined }

export async function fetchOrders(
  { status, userId }: OrderFilter,
  page: { limit: number; cursor?: string | undefined },
  signal?: AbortSignal,
): Promise<OrderPage> {
  const path = `/orders${query({ status, user_id: userId, ...page })}`
  const { body, headers } = await request<Order[]>(path, { signal })
  return { orders: body, next: nextCursor(headers) }
}

export async function fetchOrder(id: string, signal?: AbortSignal): Promise<Order> {
  return (await request<Order>(`/orders/${encodeURIComponent(id)}`, { signal })).body
}

export async function fetchTimeline(id: string, signal?: AbortSignal): Promise<Timeline> {
  return (await request<Timeline>(`/orders/${encodeURIComponent(id)}/timeline`, { signal })).body
}

/** `key` makes this safe to send again: the same key is the same order. */
export async function placeOrder(
  order: { userId: number; amountMinor: bigint; description: string },
  key: string,
): Promise<Order> {
  const body = {
    user_id: order.userId,
    amount: decimalNumber(order.amountMinor),
    ...(order.description !== '' && { description: order.description }),
  }
  const headers = { 'idempotency-key': key }
  return (await request<Order>('/orders', { method: 'POST', body, headers })).body
}

export async function fetchAccount(userId: number, signal?: AbortSignal): Promise<Account> {
  return (await request<Account>(`/users/${userId}`, { signal })).body
}

export async function fetchAccounts(limit: number, signal?: AbortSignal): Promise<Account[]> {
  return (await request<Account[]>(`/users${query({ limit })}`, { signal })).body
}

export async function openAccount(userId: number, balanceMinor: bigint): Promise<Account> {
  const body = { user_id: userId, balance: decimalNumber(balanceMinor) }
  return (await request<Account>('/users', { method: 'POST', body })).body
}

export async function changeBalance(userId: number, changeMinor: bigint, key: string): Promise<Account> {
  const body = { balance_change: decimalNumber(changeMinor) }
  const headers = { 'idempotency-key': key }
  return (await request<Account>(`/users/${userId}`, { method: 'PATCH', body, headers })).body
}

export async function fetchLedger(
  userId: number,
  page: { limit: number; cursor?: string | undefined },
  signal?: AbortSignal,
): Promise<Page<LedgerEntry>> {
  const { body, headers } = await request<LedgerEntry[]>(`/users/${userId}/ledger${query(page)}`, { signal })
  return { items: body, next: nextCursor(headers) }
}

export async function fetchStats(signal?: AbortSignal): Promise<Stats> {
  return (await request<Stats>('/stats', { signal })).body
}

/** 503 is an answer here: it says which part is down. */
export async function fetchHealth(signal?: AbortSignal): Promise<Health> {
  return (await request<Health>('/health', { signal, accepted: [503] })).body
}

function query(parameters: Record<string, string | number | undefined>): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined)
  return given.length === 0
    ? ''
    : `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`
}

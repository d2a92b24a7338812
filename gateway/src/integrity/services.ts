import type { AgreedRows, OrderSlice, Slice, Turn } from 'edge/integrity'
import type { Timeline } from 'edge/timeline'
import type { ServiceName } from '../public-calls.ts'
import type { Upstream } from '../upstream.ts'

/** A service did not answer, so what it knows cannot be checked now. */
export class SilentServiceError extends Error {
  override name = 'SilentServiceError'
  readonly service: ServiceName

  constructor(service: ServiceName, reason: string) {
    super(`${service} did not answer: ${reason}`)
    this.service = service
  }
}

/** A slice takes some 15 ms; a database that takes this long has other troubles. */
const answerMsMax = 20_000

type Range = { after: string; until: string }

/** What the services tell of their integrity. Each call rejects with SilentServiceError where there is no answer. */
export function integrityOf(upstreams: Record<ServiceName, Upstream>) {
  async function ask<Answer>(
    service: ServiceName,
    method: 'GET' | 'POST' | 'PUT',
    path: string,
    content?: object,
  ): Promise<Answer> {
    const body = content && Buffer.from(JSON.stringify(content))
    const headers: Record<string, string> = body ? { 'content-type': 'application/json' } : {}
    const outcome = await upstreams[service].askAside(
      { method, path, headers, ...(body && { body }) },
      answerMsMax,
    )
    if (outcome.kind === 'unavailable') throw new SilentServiceError(service, outcome.reason)
    if (outcome.status >= 300) throw new SilentServiceError(service, `${path} gave ${outcome.status}`)
    return (outcome.body.length > 0 ? JSON.parse(String(outcome.body)) : undefined) as Answer
  }
  const get = <Answer>(service: ServiceName, path: string, query: Record<string, string>) =>
    ask<Answer>(service, 'GET', `${path}?${new URLSearchParams(query)}`)
  return {
    takeTurn: (body: { settled_within_ms: number; lease_ms: number }) =>
      ask<Turn>('orders', 'POST', '/integrity/turns', body),
    endTurn: (body: { turn: number; pause_ms: number; progress: object }) =>
      ask<void>('orders', 'PUT', '/integrity/turns', body),
    checkOrders: (range: Range) => get<OrderSlice>('orders', '/integrity', range),
    checkPayments: (range: Range) => get<OrderSlice>('payments', '/integrity', range),
    readRows: (service: ServiceName, range: Range) => get<AgreedRows>(service, '/integrity/rows', range),
    checkAccounts: (after: string) => get<Slice>('payments', '/integrity/accounts', { after }),
    checkLedger: (after: string) => get<Slice>('payments', '/integrity/ledger', { after }),
    /** Whether payments has decided about an order. */
    async isPaid(orderId: string): Promise<boolean> {
      const { hops } = await get<Timeline>('payments', `/payments/order/${orderId}/timeline`, {})
      return hops.some(({ hop }) => hop === 'debited' || hop === 'declined')
    },
  }
}
export type Integrity = ReturnType<typeof integrityOf>

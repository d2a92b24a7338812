import { UserParams } from 'edge/user-id'
import { Type } from 'typebox'

/**
 * What is passed on, and to whom. What is not in here is not reachable from outside. `together` is where the service takes
 * several of them in one.
 */
export const publicCalls = [
  { method: 'POST', url: '/users', service: 'payments' },
  { method: 'GET', url: '/users', service: 'payments' },
  { method: 'GET', url: '/users/:user_id', service: 'payments' },
  { method: 'PATCH', url: '/users/:user_id', service: 'payments' },
  { method: 'GET', url: '/users/:user_id/ledger', service: 'payments' },
  { method: 'POST', url: '/orders', service: 'orders', together: '/orders/together' },
  { method: 'GET', url: '/orders', service: 'orders' },
  { method: 'GET', url: '/orders/:id', service: 'orders' },
  { method: 'GET', url: '/orders/user/:user_id', service: 'orders' },
] as const

export type ServiceName = 'orders' | 'payments'
export type PublicCall = (typeof publicCalls)[number]

/**
 * Checked here as well as in the service: a path is made of checked parts only, so that no spelling of it means
 * one thing to the router here and another to whatever stands before the service.
 */
export const OrderParams = Type.Object(
  { id: Type.String({ format: 'uuid' }) },
  { additionalProperties: false },
)

export const paramsOf = (url: string) =>
  url.includes(':id') ? OrderParams : url.includes(':user_id') ? UserParams : undefined

/** '/users/:user_id/ledger' and {user_id: 7} → '/users/7/ledger' */
export function pathMaker(url: string): (params: Record<string, string | number>) => string {
  const [before = '', name, after = ''] = url.split(/:(\w+)/)
  return name === undefined ? () => before : params => `${before}${params[name]}${after}`
}

/** How OpenAPI writes the path, whatever a service calls its parameters: '/users/{}/ledger' */
export const pathForm = (path: string) => path.replace(/:\w+|\{\w+\}/g, '{}')

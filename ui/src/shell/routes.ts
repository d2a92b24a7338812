import { createRouter } from '@swan-io/chicane'

/** Every page with its address; filters are part of it, so that any view can be shared as a link. */
export const Router = createRouter({
  Shop: '/?:user',
  Orders: '/orders?:status{all|pending|finished|cancelled}&:user',
  Order: '/orders/:id',
  Accounts: '/accounts',
  Account: '/accounts/:user',
  Flow: '/flow',
  DeadLetters: '/dead-letters',
})

export const routeNames = ['Shop', 'Orders', 'Order', 'Accounts', 'Account', 'Flow', 'DeadLetters'] as const

/** The account number in an address, or undefined where somebody typed something else. */
export function accountNumber(text: string | undefined): number | undefined {
  if (text === undefined || !/^[1-9]\d{0,15}$/.test(text)) return undefined
  const number = Number(text)
  return Number.isSafeInteger(number) ? number : undefined
}

export const accountNumberRule = `An account number is a whole number from 1 to ${Number.MAX_SAFE_INTEGER}.`

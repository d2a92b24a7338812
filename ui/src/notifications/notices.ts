import type { OrderEvent } from '../live/order-event.ts'

export type Notice = {
  id: number
  at: string
  words: string
  detail: string
  orderId: string | undefined
  userId: number
}

const keptMax = 50

/** One notice for what settled within a moment: an order by name, several as a count. Undefined for nothing. */
export function noticeOf(
  events: OrderEvent[],
  money: (amount: number) => string,
): Omit<Notice, 'id'> | undefined {
  const [first] = events
  const last = events.at(-1)
  if (!first || !last) return undefined
  const { user_id: userId, timestamp: at } = last
  if (events.length === 1) {
    const isFinished = first.status === 'FINISHED'
    return {
      at,
      userId,
      orderId: first.order_id,
      words: `Order of ${money(first.amount)} ${isFinished ? 'finished' : 'cancelled'}`,
      detail: isFinished ? `Paid by account ${userId}.` : reasonOf(first),
    }
  }
  const finished = events.filter(({ status }) => status === 'FINISHED').length
  const cancelled = events.length - finished
  const detail = [finished && `${finished} finished`, cancelled && `${cancelled} cancelled`]
    .filter(Boolean)
    .join(', ')
  return { at, userId, orderId: undefined, words: `${events.length} orders settled`, detail: `${detail}.` }
}

const reasonOf = ({ reason, user_id }: OrderEvent): string =>
  reason === 'account_not_found'
    ? `There is no account ${user_id}.`
    : `The balance of account ${user_id} did not cover it.`

export const withNotice = (notices: Notice[], notice: Notice): Notice[] =>
  [notice, ...notices].slice(0, keptMax)

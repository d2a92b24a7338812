import type { OrderStatus, Reason } from '../api/model.ts'
import { isOpen } from './order-list.ts'
import './order-status.css'

const words = { NEW: 'Pending', PENDING_PAYMENT: 'Pending', FINISHED: 'Finished', CANCELLED: 'Cancelled' }

/** A shape and a word each: never told by colour alone. */
export function StatusBadge({ status }: { status: OrderStatus | 'SENDING' }) {
  const kind = status === 'SENDING' ? 'sending' : isOpen(status) ? 'pending' : status.toLowerCase()
  return (
    <span className={`status status-${kind}`}>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <circle cx="8" cy="8" r="6" className="status-ring" />
        {kind === 'finished' && <path d="M5.2 8.3l1.9 1.9 3.7-4.1" />}
        {kind === 'cancelled' && <path d="M5.8 5.8l4.4 4.4M10.2 5.8l-4.4 4.4" />}
        {kind === 'pending' && <path d="M8 5v3.2l2 1.3" />}
      </svg>
      {status === 'SENDING' ? 'Sending' : words[status]}
    </span>
  )
}

export function reasonInWords(reason: Reason | undefined): string {
  switch (reason) {
    case 'insufficient_funds':
      return 'The balance did not cover it.'
    case 'account_not_found':
      return 'There is no such account.'
    default:
      return ''
  }
}

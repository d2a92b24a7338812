import { Link } from '@swan-io/chicane'
import { useRef } from 'react'
import { Router } from '../shell/routes.ts'
import { moment } from '../time/time.ts'
import { useNotices } from './notice-context.tsx'
import type { Notice } from './notices.ts'
import './notifications.css'

/** What settled while you were elsewhere. The browser's own popover: Escape, a click beside it and focus are its. */
export function NoticeBell() {
  const { notices, unread, markRead } = useNotices()
  const popover = useRef<HTMLDivElement>(null)
  return (
    <>
      <button
        type="button"
        className="icon-button bell"
        popoverTarget="notices"
        aria-label={unread > 0 ? `Notifications, ${unread} new` : 'Notifications'}
      >
        <svg viewBox="0 0 20 20" aria-hidden="true">
          <path d="M5 13.5V9a5 5 0 0 1 10 0v4.5l1.2 1.5H3.8zM8.3 17.2a1.8 1.8 0 0 0 3.4 0" />
        </svg>
        {unread > 0 && (
          <span className="bell-count" aria-hidden="true">
            {unread > 9 ? '9+' : unread}
          </span>
        )}
      </button>
      <div
        id="notices"
        ref={popover}
        popover="auto"
        role="dialog"
        aria-labelledby="notices-heading"
        className="popover"
        onToggle={event => event.newState === 'open' && markRead()}
      >
        <h2 id="notices-heading" className="popover-title">
          Settled while you were elsewhere
        </h2>
        {notices.length === 0 ? (
          <p className="quiet">
            Nothing yet. Orders of your account that settle while you look at something else are listed here.
          </p>
        ) : (
          <ul className="notice-list" aria-label="Notifications">
            {notices.map(notice => (
              <li key={notice.id}>
                <Link to={addressOf(notice)} onClick={() => popover.current?.hidePopover()}>
                  {notice.words}
                </Link>
                <span className="quiet">
                  {notice.detail} <time dateTime={notice.at}>{moment(new Date(notice.at))}</time>
                </span>
              </li>
            ))}
          </ul>
        )}
      </div>
    </>
  )
}

export const addressOf = ({ orderId, userId }: Notice): string =>
  orderId ? Router.Order({ id: orderId }) : Router.Orders({ user: String(userId) })

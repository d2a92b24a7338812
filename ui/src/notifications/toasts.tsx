import { Toast } from '@base-ui/react/toast'
import { Link } from '@swan-io/chicane'
import type { ReactNode } from 'react'
import { addressOf } from './notice-bell.tsx'
import { NoticeProvider } from './notice-context.tsx'
import type { Notice } from './notices.ts'

const shownMs = 6_000
const shownMax = 3

/** Quiet toasts, read aloud by screen readers; what they said stays in the list behind the bell. */
export function Toasts({ children }: { children: ReactNode }) {
  return (
    <Toast.Provider timeout={shownMs} limit={shownMax}>
      <Announcing>{children}</Announcing>
      <Toast.Portal>
        <Toast.Viewport className="toasts" aria-label="Notifications">
          <ToastList />
        </Toast.Viewport>
      </Toast.Portal>
    </Toast.Provider>
  )
}

function Announcing({ children }: { children: ReactNode }) {
  const { add } = Toast.useToastManager()
  const announce = (notice: Notice) => add({ title: notice.words, description: notice.detail, data: notice })
  return <NoticeProvider onNotice={announce}>{children}</NoticeProvider>
}

function ToastList() {
  const { toasts } = Toast.useToastManager<Notice>()
  return toasts.map(toast => (
    <Toast.Root key={toast.id} toast={toast} className="toast">
      <div className="toast-words">
        <Toast.Title className="toast-title" />
        <Toast.Description className="quiet" />
      </div>
      {toast.data && (
        <Link to={addressOf(toast.data)} className="quiet-link">
          Show
        </Link>
      )}
      <Toast.Close className="icon-button" aria-label="Dismiss">
        <svg viewBox="0 0 20 20" aria-hidden="true">
          <path d="M6 6l8 8M14 6l-8 8" />
        </svg>
      </Toast.Close>
    </Toast.Root>
  ))
}

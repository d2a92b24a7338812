import { type ReactNode, useEffect, useState } from 'react'
import { RequestFailed } from '../api/request.ts'
import './states.css'

const slowAfterMs = 3_000

/** Shown while something is read for the first time. Says so when it takes long. */
export function Waiting({ label, rows = 3 }: { label: string; rows?: number }) {
  const [isSlow, setSlow] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setSlow(true), slowAfterMs)
    return () => clearTimeout(timer)
  }, [])
  return (
    <div className="waiting">
      <p role="status" className={isSlow ? 'waiting-words' : 'visually-hidden'}>
        {isSlow ? `${label} takes longer than usual. Still waiting for the server…` : `${label}…`}
      </p>
      <div aria-hidden="true">
        {Array.from({ length: rows }, (_, row) => `bone-${row}`).map(row => (
          <div key={row} className="bone" />
        ))}
      </div>
    </div>
  )
}

export function Empty({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div className="empty">
      <h2>{title}</h2>
      <p>{children}</p>
    </div>
  )
}

/** What happened, in the server's words where it gave any, and what to do next; `of` names what it happened to. */
export function Failed(props: { error: Error; of?: string | undefined; onRetry?: () => void }) {
  const { error, of, onRetry } = props
  const requestId = error instanceof RequestFailed ? error.requestId : undefined
  return (
    <div className="failed" role="alert">
      <p>
        {of && `${of}: `}
        {error.message}
      </p>
      {requestId && (
        <p className="request-id">
          Request <code>{requestId}</code>
        </p>
      )}
      {onRetry && (
        <button type="button" className="button small" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  )
}

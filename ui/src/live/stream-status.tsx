import { useNow } from '../shell/use-now.ts'
import { clock, elapsed } from '../time/time.ts'
import { useLive } from './live-context.tsx'
import './stream-status.css'

/** A quiet sign while all is well; a sentence with a way out when it is not. */
export function StreamStatus() {
  const { state } = useLive()
  const words = { connecting: 'Connecting…', live: 'Live', lost: 'Not live' }[state.kind]
  return (
    <span className="stream-status" data-state={state.kind}>
      <span className="stream-dot" aria-hidden="true" />
      {words}
    </span>
  )
}

export function StreamBanner() {
  const { state, retryNow } = useLive()
  return (
    <div role="status" className="stream-banner-place">
      {state.kind === 'lost' && <Lost since={state.since} nextTryAt={state.nextTryAt} retryNow={retryNow} />}
    </div>
  )
}

function Lost({ since, nextTryAt, retryNow }: { since: Date; nextTryAt: Date; retryNow: () => void }) {
  const now = useNow(1_000)
  const waitS = Math.ceil((nextTryAt.getTime() - now.getTime()) / 1_000)
  return (
    <div className="stream-banner">
      <p>
        <strong>Live updates are interrupted</strong> since{' '}
        <time dateTime={since.toISOString()}>{clock(since)}</time>. What you see may be out of date; it
        catches up by itself.
        {/* Read aloud once, not every second. */}
        <span aria-hidden="true" className="stream-wait">
          {elapsed(wholeSeconds(now.getTime() - since.getTime()))} ago ·{' '}
          {waitS > 0 ? `trying again in ${waitS} s` : 'trying now'}
        </span>
      </p>
      <button type="button" className="button small" onClick={retryNow}>
        Try now
      </button>
    </div>
  )
}

const wholeSeconds = (ms: number): number => Math.max(1, Math.floor(ms / 1_000)) * 1_000

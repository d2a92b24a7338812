import type { CSSProperties } from 'react'
import { elapsed, preciseClock } from '../time/time.ts'
import { type Lane, lanes, type Step } from './lanes.ts'
import './swim-lanes.css'

/** Time runs down, one column for each part of the system; what is not known to have happened is dashed. */
export function SwimLanes({ steps }: { steps: Step[] }) {
  return (
    <div className="swim">
      <div className="swim-heads" aria-hidden="true">
        {lanes.map(lane => (
          <span key={lane} className={`swim-head lane-${lane.toLowerCase()}`}>
            {lane}
          </span>
        ))}
      </div>
      <ol className="swim-steps" aria-label="Hops of this order">
        {steps.map((step, index) => (
          <SwimStep key={step.name} step={step} before={steps[index - 1]} />
        ))}
      </ol>
    </div>
  )
}

const withoutTime = {
  done: '',
  pending: 'Not known yet',
  stopped: 'Does not come by itself',
  unknown: 'Time no longer kept',
}

function SwimStep({ step, before }: { step: Step; before: Step | undefined }) {
  const { lane, words, state, at, place } = step
  return (
    <li className={`swim-step is-${state}`} style={column(lane)}>
      {before && <Connector from={before.lane} step={step} />}
      <div className={`swim-hop lane-${lane.toLowerCase()}`}>
        <span className="swim-lane-name">{lane}</span>
        <strong>{words}</strong>
        {at ? (
          <time dateTime={at.toISOString()} className="swim-time">
            {preciseClock(at)}
          </time>
        ) : (
          <span className="swim-time">{withoutTime[state]}</span>
        )}
        {place && <span className="swim-place">{place}</span>}
      </div>
    </li>
  )
}

/** The way from the lane before, with the time it took. */
function Connector({ from, step }: { from: Lane; step: Step }) {
  const [x1, x2] = [center(from), center(step.lane)]
  return (
    <div
      className="swim-gap"
      style={{ '--shallow': Math.min(lanes.indexOf(from), lanes.indexOf(step.lane)) } as CSSProperties}
    >
      <svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">
        <path d={`M${x1} 0 V50 H${x2} V100`} vectorEffect="non-scaling-stroke" />
      </svg>
      <span className="swim-gap-words" style={{ '--center': `${(x1 + x2) / 2}%` } as CSSProperties}>
        {gapWords(step)}
      </span>
    </div>
  )
}

function gapWords({ gapMs, isSameTransaction }: Step): string {
  if (isSameTransaction) return 'same transaction'
  if (gapMs !== undefined) return gapMs < 0 ? `${elapsed(-gapMs)} earlier by its clock` : `+${elapsed(gapMs)}`
  return '?'
}

const center = (lane: Lane): number => ((lanes.indexOf(lane) + 0.5) / lanes.length) * 100
const column = (lane: Lane) => ({ '--lane': lanes.indexOf(lane) }) as CSSProperties

import { Progress } from '@base-ui/react/progress'
import { Radio } from '@base-ui/react/radio'
import { RadioGroup } from '@base-ui/react/radio-group'
import { useEffect, useRef, useState } from 'react'
import { useLiveOrders } from '../live/live-context.tsx'
import { isOpen } from '../orders/order-list.ts'
import { Failed } from '../shell/states.tsx'
import { type BurstProgress, runBurst } from './burst.ts'

const sizes = [50, 200, 1_000]

export function BurstPanel() {
  const live = useLiveOrders()
  const [size, setSize] = useState(200)
  const [progress, setProgress] = useState<BurstProgress>()
  const [error, setError] = useState<Error>()
  const [isPlacing, setPlacing] = useState(false)
  const running = useRef<AbortController>(undefined)
  useEffect(() => () => running.current?.abort(), [])

  const start = async () => {
    if (isPlacing) return
    running.current?.abort()
    const stop = new AbortController()
    running.current = stop
    setPlacing(true)
    setError(undefined)
    setProgress({ total: size, answered: 0, failed: 0, settled: 0 })
    await runBurst(size, {
      onProgress: setProgress,
      followSettled: listener => live.followAll(event => !isOpen(event.status) && listener(event.order_id)),
      signal: stop.signal,
    }).catch(setError)
    if (!stop.signal.aborted) setPlacing(false)
  }
  return (
    <section className="card burst" aria-labelledby="burst-heading">
      <h2 id="burst-heading">See it move</h2>
      <p className="quiet">Places demo orders on accounts of their own. Some cannot be paid, on purpose.</p>
      <div className="burst-controls">
        <RadioGroup
          aria-label="Number of orders"
          className="segments"
          value={size}
          onValueChange={value => setSize(value as number)}
        >
          {sizes.map(value => (
            // biome-ignore lint/a11y/noLabelWithoutControl: Radio.Root renders the control
            <label key={value} className="segment">
              <Radio.Root value={value} className="segment-radio" />
              {value.toLocaleString()}
            </label>
          ))}
        </RadioGroup>
        <button
          type="button"
          className="button primary"
          aria-disabled={isPlacing}
          onClick={() => void start()}
        >
          {isPlacing ? 'Placing…' : 'Place a burst'}
        </button>
      </div>
      {error && <Failed error={error} />}
      {progress && <BurstBars progress={progress} />}
    </section>
  )
}

function BurstBars({ progress: { total, answered, failed, settled } }: { progress: BurstProgress }) {
  return (
    <div className="burst-bars">
      <Bar label="Placed" value={answered} total={total} />
      <Bar label="Settled" value={settled} total={total - failed} />
      <p role="status" className="quiet">
        {failed > 0 && `${failed} were not placed: the server refused them or did not answer. `}
        {settled > 0 && settled === total - failed && `All ${settled} settled.`}
      </p>
    </div>
  )
}

function Bar({ label, value, total }: { label: string; value: number; total: number }) {
  return (
    <Progress.Root
      value={value}
      max={Math.max(total, 1)}
      className="progress"
      getAriaValueText={() => `${value} of ${total}`}
    >
      <Progress.Label className="progress-label">{label}</Progress.Label>
      <span className="progress-value" aria-hidden="true">
        {value} / {total}
      </span>
      <Progress.Track className="progress-track">
        <Progress.Indicator className="progress-indicator" />
      </Progress.Track>
    </Progress.Root>
  )
}

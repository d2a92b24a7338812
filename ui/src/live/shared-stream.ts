import type { OrderEvent } from './order-event.ts'
import { runStream, type StreamSettings, type StreamState } from './order-stream.ts'

const name = 'order-stream'

type Told =
  | { kind: 'event'; event: OrderEvent; lastEventId: string }
  | { kind: 'state'; state: StreamState; lastEventId: string }
  | { kind: 'gap' }
  /** From a tab that has just opened: what is the state? */
  | { kind: 'ask' }

/**
 * Follows the stream with one connection for all tabs of this browser: a browser opens six connections to a host at
 * once over HTTP/1.1, so the seventh tab with a stream of its own would get no answer to anything. The tab that
 * holds the lock reads and tells the others; when it closes, the next one goes on after the last event told.
 * Where there are no locks (a page that came over plain HTTP from another machine) each tab reads for itself.
 */
export async function runSharedStream(
  settings: StreamSettings,
  pause: (ms: number) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  if (!navigator.locks) return runStream(settings, pause, signal)
  const channel = new BroadcastChannel(name)
  const tell = (told: Told) => channel.postMessage(told)
  const place = { lastEventId: '' }
  let reading: StreamState | undefined

  channel.onmessage = ({ data }: MessageEvent<Told>) => {
    if (data.kind === 'ask') {
      if (reading) tell({ kind: 'state', state: reading, lastEventId: place.lastEventId })
      return
    }
    if (reading) return
    if (data.kind === 'gap') return settings.onGap()
    place.lastEventId = data.lastEventId
    if (data.kind === 'event') settings.onEvent(data.event)
    else settings.onState(data.state)
  }
  const telling: StreamSettings = {
    ...settings,
    onEvent(event) {
      settings.onEvent(event)
      tell({ kind: 'event', event, lastEventId: place.lastEventId })
    },
    onState(state) {
      reading = state
      settings.onState(state)
      tell({ kind: 'state', state, lastEventId: place.lastEventId })
    },
    onGap() {
      settings.onGap()
      tell({ kind: 'gap' })
    },
  }
  tell({ kind: 'ask' })
  try {
    await navigator.locks.request(name, { signal }, () => runStream(telling, pause, signal, place))
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    channel.close()
  }
}

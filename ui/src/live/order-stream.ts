import { createParser } from 'eventsource-parser'
import { type OrderEvent, parseOrderEvent } from './order-event.ts'

export type StreamState =
  | { kind: 'connecting' }
  | { kind: 'live' }
  /** `since` is when the stream was last known to work; `nextTryAt` when it is tried again. */
  | { kind: 'lost'; since: Date; nextTryAt: Date }

export type StreamSettings = {
  url: string
  onEvent(event: OrderEvent): void
  onState(state: StreamState): void
  /** Events may have been missed and will not come again: read afresh what is shown. */
  onGap(): void
  now?: () => Date
  fetch?: typeof fetch
  /** The gateway says something every 10 s: silence for longer than this means a dead connection. */
  silenceMsMax?: number
  retryMs?: { min: number; max: number }
}

type Outcome = { opened: boolean }

/**
 * One connection, from opening to its end. `place.lastEventId` is where to resume, and moves with every event, so
 * that the next connection continues after the last one that was taken.
 */
export async function readStreamOnce(
  settings: StreamSettings,
  place: { lastEventId: string },
  signal: AbortSignal,
): Promise<Outcome> {
  const { url, onEvent, onState, onGap, silenceMsMax = 45_000 } = settings
  const connection = new AbortController()
  const abort = () => connection.abort()
  signal.addEventListener('abort', abort, { once: true })
  let silence = setTimeout(abort, silenceMsMax)
  let opened = false
  try {
    const resuming = place.lastEventId !== ''
    const response = await (settings.fetch ?? fetch)(url, {
      headers: { accept: 'text/event-stream', ...(resuming && { 'last-event-id': place.lastEventId }) },
      signal: connection.signal,
      cache: 'no-store',
    })
    if (!response.ok || !response.body) return { opened }
    opened = true
    if (!resuming) onGap()
    onState({ kind: 'live' })
    const parser = createParser({
      onId: id => {
        place.lastEventId = id
      },
      onEvent: message => {
        if (message.event === 'resync') return onGap()
        const event = message.event === 'order' ? parseOrderEvent(message.data) : undefined
        if (event) onEvent(event)
      },
    })
    const text = response.body.pipeThrough(new TextDecoderStream()).getReader()
    for (;;) {
      const { done, value } = await text.read()
      if (done) return { opened }
      clearTimeout(silence)
      silence = setTimeout(abort, silenceMsMax)
      parser.feed(value)
    }
  } catch {
    return { opened }
  } finally {
    clearTimeout(silence)
    signal.removeEventListener('abort', abort)
    connection.abort()
  }
}

/** Follows the stream until the signal aborts: reconnects for ever, at once first, then with growing pauses. */
export async function runStream(
  settings: StreamSettings,
  pause: (ms: number) => Promise<void>,
  signal: AbortSignal,
  place = { lastEventId: '' },
): Promise<void> {
  const { retryMs = { min: 500, max: 10_000 }, now = () => new Date(), onState } = settings
  let failures = 0
  let lastWorked = now()
  onState({ kind: 'connecting' })
  while (!signal.aborted) {
    const { opened } = await readStreamOnce(settings, place, signal)
    if (signal.aborted) return
    if (opened) {
      failures = 0
      lastWorked = now()
    }
    const waitMs = Math.min(retryMs.max, retryMs.min * 2 ** failures)
    failures += 1
    onState({ kind: 'lost', since: lastWorked, nextTryAt: new Date(now().getTime() + waitMs) })
    await pause(waitMs)
  }
}

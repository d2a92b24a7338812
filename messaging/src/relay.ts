import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { backoffMs } from './backoff.ts'
import { followCommits } from './commits.ts'
import { tell } from './observer.ts'
import { Relay } from './relay-rounds.ts'
import { completeSettings, type RelaySettings } from './relay-settings.ts'
import { PeerWaker } from './wake.ts'

export type RunningRelay = {
  /**
   * Call after each commit that appended, unless on a pool of saveRoundTrips: publishes at once, here or in the instance
   * that owns the outbox.
   */
  wake(): void
  /** Publishes what is there, for at most drainMaxMs, stores the cursor and releases the lease. */
  stop(): Promise<void>
  readonly isOwner: boolean
  readonly publishedRows: number
}

/** For the page in hand when draining is over, and to release the lease. */
const releaseMaxMs = 500

/** One listens and one reads for as long as the relay runs; its lease, and all others, need a third. */
const connectionsMin = 3

/** Writers that wake us leave a poll little to find; it begins at four times `pollMinMs`. */
const idleRoundsOnceWoken = 2

/**
 * Runs a relay until stopped. Failures are logged and retried with backoff, for ever. Throws only RangeError, for a
 * batchSize or batchBytes out of bounds, or a pool of fewer than 3 connections.
 */
export function startRelay(settings: RelaySettings): RunningRelay {
  const { pool, log, name, pollMinMs, pollMaxMs, drainMaxMs, retry, observer } = completeSettings(settings)
  const { max } = pool.options ?? {}
  if (max < connectionsMin)
    throw new RangeError(
      `the pool has at most ${max} connections; a relay needs ${connectionsMin}: it keeps two, and one must be left for others.`,
    )
  const relay = new Relay(settings)
  const stopping = new AbortController()
  let isAwake = false
  let endSleep = () => {}

  const wakeHere = () => {
    isAwake = true
    endSleep()
  }
  const peers = new PeerWaker(pool, `relay_${name}`, wakeHere, log)
  const wake = () => (relay.isOwner ? wakeHere() : peers.notify())
  const unfollow = followCommits(pool, {
    rider() {
      const rider = relay.rider(isBrought => (isBrought ? endSleep() : wake()))
      // What others have committed before, it reads along.
      if (rider) isAwake = false
      return rider
    },
    onCommit: wake,
  })

  /** Until the time is over or somebody wakes. */
  const doze = (ms: number) =>
    new Promise<void>(resolve => {
      const timer = setTimeout(resolve, ms)
      endSleep = () => {
        clearTimeout(timer)
        resolve()
      }
      if (isAwake || relay.hasNext || stopping.signal.aborted) endSleep()
    })
  /** Wake-ups do not shorten a wait that spares a broken broker or leaves the outbox to its owner. */
  const sleep = (ms: number) => delay(ms, undefined, { signal: stopping.signal }).catch(() => undefined)

  async function run(): Promise<void> {
    let idleRounds = 0
    let failures = 0
    while (!stopping.signal.aborted) {
      const isWoken = isAwake || relay.hasNext
      // What a commit brings is read before this; whoever woke us since it left has to be read all the same.
      if (!relay.hasNext) isAwake = false
      try {
        const outcome = await relay.relayOnce()
        failures = 0
        if (outcome.kind === 'published') idleRounds = isWoken ? idleRoundsOnceWoken : 0
        // The one page of a window was all there was. Whoever has committed since has woken us; another look at once
        // would find nothing, and at 100 events a second cost as much as all the others.
        const isAllPublished = outcome.kind === 'idle' || (outcome.kind === 'published' && !outcome.isMore)
        if (isAllPublished) await doze(Math.min(pollMaxMs, pollMinMs * 2 ** Math.min(idleRounds++, 10)))
        else if (outcome.kind === 'standby')
          await sleep(Math.min(pollMaxMs, Math.max(outcome.freeInMs, pollMinMs)))
      } catch (err) {
        tell(log, () => observer.onFailure?.(err))
        const waitMs = backoffMs(retry, failures++, Math.random())
        log.warn({ err, waitMs: Math.round(waitMs) }, 'relay could not publish; it tries again')
        await sleep(waitMs)
      }
    }
  }

  async function drain(): Promise<void> {
    await running
    const endsAt = performance.now() + drainMaxMs
    while (relay.isOwner && performance.now() < endsAt) {
      const outcome = await relay.relayOnce()
      if (outcome.kind !== 'published') break
    }
    await relay.release()
  }

  async function stop(): Promise<void> {
    unfollow()
    stopping.abort()
    endSleep()
    // A broker that hangs must not hold up the process: what is not published stays in the outbox.
    const tooLong = delay(drainMaxMs + releaseMaxMs, undefined, { ref: false }).then(() => {
      throw new Error(`the page in hand was not published within ${drainMaxMs} ms`)
    })
    await Promise.race([drain(), tooLong]).catch(err => {
      log.warn({ err }, 'relay stopped before it stored its cursor; the next owner repeats a little')
      relay.abandon(err)
    })
    await peers.close()
  }

  const running = run()
  let stopped: Promise<void> | undefined
  return {
    wake,
    // Once: two that drain would publish the same, and one of them on a connection that the other has given back.
    stop: () => (stopped ??= stop()),
    get isOwner() {
      return relay.isOwner
    },
    get publishedRows() {
      return relay.publishedRows
    },
  }
}

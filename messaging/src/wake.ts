import { setTimeout as sleep } from 'node:timers/promises'
import type { Pool, PoolClient } from 'pg'
import type { Log } from './log.ts'

const closeMsMax = 500

/**
 * Wakes the relay that owns the outbox in another instance: NOTIFY outside of any business transaction (inside, it
 * would make commits queue behind one lock), at most one under way at a time however often it is asked for.
 * LISTEN does not work through a transaction pooler; then the relays poll.
 */
export class PeerWaker {
  readonly #pool: Pool
  readonly #channel: string
  readonly #log: Log
  readonly #listenAgainAfterMs: number
  readonly #closing = new AbortController()
  readonly #listening: Promise<void>
  #underWay: Promise<void> | undefined
  #isAskedAgain = false

  constructor(pool: Pool, channel: string, onWake: () => void, log: Log, listenAgainAfterMs = 5_000) {
    this.#pool = pool
    this.#listenAgainAfterMs = listenAgainAfterMs
    this.#channel = channel.replaceAll(/[^a-z0-9_]/g, '_')
    this.#log = log
    this.#listening = this.#listen(onWake)
  }

  notify(): void {
    if (this.#underWay) {
      this.#isAskedAgain = true
      return
    }
    this.#underWay = this.#pool
      .query(`notify ${this.#channel}`)
      .then(() => undefined)
      .catch(err => this.#log.debug({ err }, 'peers not notified; they poll'))
      .finally(() => {
        this.#underWay = undefined
        if (!this.#isAskedAgain) return
        this.#isAskedAgain = false
        this.notify()
      })
  }

  /** A database that says nothing is not waited for. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.#isAskedAgain = false
    const idle = Promise.all([this.#listening, this.#underWay])
    await Promise.race([idle, sleep(closeMsMax, undefined, { ref: false })])
  }

  async #listen(onWake: () => void): Promise<void> {
    const { signal } = this.#closing
    while (!signal.aborted) {
      let client: PoolClient | undefined
      try {
        client = await this.#pool.connect()
        const lost = whenLost(client, signal)
        client.on('notification', onWake)
        // Something may have been announced while nobody listened.
        await Promise.race([client.query(`listen ${this.#channel}`).then(onWake), lost])
        await lost
      } catch (err) {
        this.#log.debug({ err }, 'cannot listen for wake-ups; polling')
      } finally {
        // Closed: another who had it would be told of our wake-ups.
        client?.release(true)
      }
      await sleep(this.#listenAgainAfterMs, undefined, { signal }).catch(() => undefined)
    }
  }
}

const whenLost = (client: PoolClient, signal: AbortSignal) =>
  new Promise<void>(resolve => {
    client.on('error', () => resolve())
    client.on('end', () => resolve())
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })

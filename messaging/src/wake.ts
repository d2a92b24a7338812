import { setTimeout as sleep } from 'node:timers/promises'
import type { Pool, PoolClient } from 'pg'
import type { Log } from './log.ts'

const listenAgainAfterMs = 5_000

/**
 * Wakes the relay that owns the outbox in another instance: NOTIFY outside of any business transaction (inside, it
 * would make commits queue behind one lock), at most one under way at a time however often it is asked for.
 * LISTEN does not work through a transaction pooler; then the relays poll.
 */
export class PeerWaker {
  readonly #pool: Pool
  readonly #channel: string
  readonly #log: Log
  readonly #closing = new AbortController()
  readonly #listening: Promise<void>
  #client: PoolClient | undefined
  #underWay: Promise<void> | undefined
  #isAskedAgain = false

  constructor(pool: Pool, channel: string, onWake: () => void, log: Log) {
    this.#pool = pool
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

  async close(): Promise<void> {
    this.#closing.abort()
    this.#client?.release(true)
    await this.#listening
    this.#isAskedAgain = false
    await this.#underWay
  }

  async #listen(onWake: () => void): Promise<void> {
    const { signal } = this.#closing
    while (!signal.aborted) {
      try {
        const client = await this.#pool.connect()
        if (signal.aborted) return client.release()
        const lost = new Promise<void>(resolve => {
          client.on('error', () => resolve())
          client.on('end', () => resolve())
          signal.addEventListener('abort', () => resolve(), { once: true })
        })
        this.#client = client
        client.on('notification', onWake)
        await client.query(`listen ${this.#channel}`)
        // Something may have been announced while nobody listened.
        onWake()
        await lost
        this.#client = undefined
        if (!signal.aborted) client.release(true)
      } catch (err) {
        this.#log.debug({ err }, 'cannot listen for wake-ups; polling')
      }
      await sleep(listenAgainAfterMs, undefined, { signal }).catch(() => undefined)
    }
  }
}

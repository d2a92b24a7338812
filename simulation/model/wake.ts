import type { Pool } from 'pg'
import { type ModelConnection, type ModelDatabase, modelOf } from './database.ts'

const listeners = new WeakMap<ModelDatabase, Set<() => void>>()

/** LISTEN and NOTIFY: an announcement reaches everybody later, or is lost. */
export class PeerWaker {
  readonly #db: ModelDatabase
  readonly #onWake: () => void

  constructor(pool: Pool, _channel: string, onWake: () => void) {
    this.#db = modelOf<ModelConnection>(pool).db
    this.#onWake = onWake
    this.#peers().add(onWake)
  }

  notify(): void {
    const { scheduler } = this.#db
    if (scheduler.chance(0.2)) return
    for (const onWake of this.#peers()) scheduler.after(scheduler.between(0, 50), onWake)
  }

  async close(): Promise<void> {
    this.#peers().delete(this.#onWake)
  }

  #peers(): Set<() => void> {
    const peers = listeners.get(this.#db) ?? new Set()
    listeners.set(this.#db, peers)
    return peers
  }
}

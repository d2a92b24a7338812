type Mode = 'shared' | 'exclusive'
type Waiter = { owner: object; mode: Mode; granted: () => void }
type Lock = { holders: Map<object, Mode>; waiters: Waiter[] }

/** Row locks: held to the end of their transaction, waited for in the order of asking, deadlocks refused. */
export class Locks {
  readonly #locks = new Map<string, Lock>()
  readonly #waitsFor = new Map<object, Lock>()

  async take(owner: object, key: string, mode: Mode): Promise<void> {
    const lock = this.#locks.get(key) ?? { holders: new Map<object, Mode>(), waiters: [] }
    this.#locks.set(key, lock)
    if (lock.waiters.length === 0 && isFree(lock, owner, mode)) return hold(lock, owner, mode)
    if (this.#isCircle(lock, owner)) {
      throw Object.assign(new Error('deadlock detected'), { code: '40P01' })
    }
    this.#waitsFor.set(owner, lock)
    await new Promise<void>(granted => lock.waiters.push({ owner, mode, granted }))
  }

  /** Ends all that the owner holds and waits for. */
  release(owner: object): void {
    this.#waitsFor.delete(owner)
    for (const key of [...this.#locks.keys()]) this.releaseOne(owner, key)
  }

  releaseOne(owner: object, key: string): void {
    const lock = this.#locks.get(key)
    if (!lock) return
    lock.holders.delete(owner)
    lock.waiters = lock.waiters.filter(waiter => waiter.owner !== owner)
    for (let next = lock.waiters[0]; next && isFree(lock, next.owner, next.mode); next = lock.waiters[0]) {
      lock.waiters.shift()
      hold(lock, next.owner, next.mode)
      this.#waitsFor.delete(next.owner)
      next.granted()
    }
    if (lock.holders.size === 0 && lock.waiters.length === 0) this.#locks.delete(key)
  }

  #isCircle(lock: Lock, owner: object, seen = new Set<Lock>()): boolean {
    if (seen.has(lock)) return false
    seen.add(lock)
    return [...lock.holders.keys(), ...lock.waiters.map(waiter => waiter.owner)].some(other => {
      if (other === owner) return seen.size > 1
      const next = this.#waitsFor.get(other)
      return next !== undefined && this.#isCircle(next, owner, seen)
    })
  }
}

const isFree = ({ holders }: Lock, owner: object, mode: Mode) =>
  [...holders].every(([holder, held]) => holder === owner || (held === 'shared' && mode === 'shared'))

function hold(lock: Lock, owner: object, mode: Mode): void {
  if (lock.holders.get(owner) !== 'exclusive') lock.holders.set(owner, mode)
}

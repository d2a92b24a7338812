/** An order on its way: kept from before it is sent until it is answered, so that sending it again places it once. */
export type Placement = {
  key: string
  userId: number
  amountMinor: string
  description: string
  startedAt: string
}
export type Draft = Omit<Placement, 'key' | 'startedAt'>

type Store = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>
const name = 'unanswered-placements'
const keptMax = 20

export function unanswered(store: Store): Placement[] {
  try {
    const kept = JSON.parse(store.getItem(name) ?? '[]')
    return Array.isArray(kept) ? kept.filter(isPlacement) : []
  } catch {
    return []
  }
}

/**
 * The placement for a draft. The same draft while it is unanswered is the same placement, with the same key: that
 * is what makes a double click, a retry and a reload place one order.
 */
export function beginPlacement(store: Store, draft: Draft, makeKey: () => string, now: Date): Placement {
  const open = unanswered(store)
  const same = open.find(
    kept =>
      kept.userId === draft.userId &&
      kept.amountMinor === draft.amountMinor &&
      kept.description === draft.description,
  )
  if (same) return same
  const placement = { ...draft, key: makeKey(), startedAt: now.toISOString() }
  store.setItem(name, JSON.stringify([...open, placement].slice(-keptMax)))
  return placement
}

/** Once answered, either way: the next order like it is a new one. */
export function endPlacement(store: Store, key: string): void {
  const rest = unanswered(store).filter(kept => kept.key !== key)
  if (rest.length > 0) store.setItem(name, JSON.stringify(rest))
  else store.removeItem(name)
}

const isPlacement = (value: unknown): value is Placement => {
  const { key, userId, amountMinor, description } = (value ?? {}) as Partial<Placement>
  return (
    typeof key === 'string' &&
    Number.isSafeInteger(userId) &&
    /^\d+$/.test(amountMinor ?? '') &&
    typeof description === 'string'
  )
}

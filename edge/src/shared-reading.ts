/**
 * Makes one reading do for all who ask within `forMs`, so that the cost of a measurement does not grow with the
 * number of people who look at it. A reading that fails is not kept.
 */
export function sharedReading<Value>(
  read: () => Promise<Value>,
  forMs: number,
  now: () => number = () => performance.now(),
): () => Promise<Value> {
  let kept: { reading: Promise<Value>; startedAt: number } | undefined
  return () => {
    if (kept && now() - kept.startedAt < forMs) return kept.reading
    const reading = read()
    const mine = { reading, startedAt: now() }
    kept = mine
    reading.catch(() => {
      if (kept === mine) kept = undefined
    })
    return reading
  }
}

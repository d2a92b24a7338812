const rangeSecondsMin = 60

/**
 * From the first time to the newest, but no less than a minute: one sample alone would be drawn over a whole day, and a
 * few seconds under labels that repeat.
 */
export function timeRange(at: ArrayLike<number>): [number, number] | [null, null] {
  const [first, newest] = [at[0], at[at.length - 1]]
  if (first === undefined || newest === undefined) return [null, null]
  return [Math.min(first, newest - rangeSecondsMin), newest]
}

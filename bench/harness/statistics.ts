/** Linear between the two nearest; NaN where there is nothing. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const place = q * (sorted.length - 1)
  const low = sorted[Math.floor(place)] ?? Number.NaN
  const high = sorted[Math.ceil(place)] ?? Number.NaN
  return low + (high - low) * (place - Math.floor(place))
}

export const median = (values: readonly number[]): number => quantile(values, 0.5)

/**
 * How far the runs lie apart: the distance between the quartiles, in percent of the median. One run that something
 * else disturbed moves it little; a figure that comes out otherwise every time moves it much.
 */
export function spreadPercent(values: readonly number[]): number {
  const distance = quantile(values, 0.75) - quantile(values, 0.25)
  if (distance === 0) return 0
  return (distance / Math.abs(median(values))) * 100
}

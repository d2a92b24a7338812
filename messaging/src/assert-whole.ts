/** Throws RangeError where a setting is no whole number from 1 to `max`. */
export function assertWhole(name: string, value: number, max: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= max) return
  throw new RangeError(
    `${name} is ${value}; it must be a whole number from 1 to ${max.toLocaleString('en-US')}.`,
  )
}

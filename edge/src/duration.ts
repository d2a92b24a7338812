import { Type } from 'typebox'

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A configured length of time such as 30d, 12h, 5m or 10s; at least one unit, at most 9,999 of it. */
export const Duration = (fallback: string) =>
  Type.String({
    pattern: '^[1-9]\\d{0,3}[smhd]$',
    default: fallback,
    description: 'For example 30d, 12h, 5m or 10s',
  })

export function millisecondsOf(duration: string): number {
  const ms = Number(duration.slice(0, -1)) * unitMs[duration.slice(-1) as keyof typeof unitMs]
  if (!(ms > 0)) throw new RangeError(`"${duration}" is not a duration`)
  return ms
}

const hours = { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' } as const
const clockFormat = new Intl.DateTimeFormat(undefined, hours)
const preciseFormat = new Intl.DateTimeFormat(undefined, { ...hours, fractionalSecondDigits: 3 })
const dateTimeFormat = new Intl.DateTimeFormat(undefined, {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  ...hours,
})
const dayFormat = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' })

export const clock = (at: Date): string => clockFormat.format(at)
export const preciseClock = (at: Date): string => preciseFormat.format(at)
export const dateTime = (at: Date): string => dateTimeFormat.format(at)

/** The clock for today, the day before it for anything older. */
export function moment(at: Date, now = new Date()): string {
  return at.toDateString() === now.toDateString() ? clock(at) : `${dayFormat.format(at)}, ${clock(at)}`
}

/** 0.4 → "<1 ms", 38 → "38 ms", 1250 → "1.25 s", 75_000 → "1 min 15 s" */
export function elapsed(ms: number): string {
  if (ms < 1) return '<1 ms'
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${Number((ms / 1_000).toFixed(ms < 10_000 ? 2 : 1))} s`
  const seconds = Math.round(ms / 1_000)
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
  const hours = Math.floor(seconds / 3_600)
  if (hours < 48) return `${hours} h ${Math.floor((seconds % 3_600) / 60)} min`
  return `${Math.floor(hours / 24)} days`
}

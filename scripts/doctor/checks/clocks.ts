import { type Finding, timeWords } from '../finding.ts'
import type { Installation } from '../installation.ts'
import { answerMsMax, within } from '../within.ts'

/** `aheadMs` of this machine's clock, give or take `withinMs`. */
export type ClockReading = { where: string; aheadMs: number; withinMs: number }

const adviceMs = 2_000
const faultMs = 60_000
/** A Date header has whole seconds: what it says is true somewhere within one. */
const headerStepMs = 1_000

/** Reads each clock between two looks at our own. One that does not answer now is left out: it is told of elsewhere. */
export async function readClocks(installation: Installation): Promise<ClockReading[]> {
  const { databases, kafka, services, now } = installation
  const asked = [
    ...databases.map(({ where, pool }) =>
      read(where, 0, async () => {
        const { rows } = await pool.query<{ ms: number }>(
          'select (extract(epoch from clock_timestamp()) * 1000)::float8 as ms',
        )
        return rows[0]!.ms
      }),
    ),
    ...services.map(({ where, url }) =>
      read(where, headerStepMs, async () => {
        const response = await fetch(`${url}/health?timeout=0.1`)
        await response.body?.cancel()
        return Date.parse(response.headers.get('date') ?? '')
      }),
    ),
    ...(kafka ? [read(kafka.where, 0, () => kafka.readClock())] : []),
  ]

  async function read(where: string, stepMs: number, ask: () => Promise<number>): Promise<ClockReading[]> {
    const before = now()
    const theirs = await within(answerMsMax, ask()).catch(() => Number.NaN)
    const after = now()
    if (Number.isNaN(theirs)) return []
    const aheadMs = theirs + stepMs / 2 - (before + after) / 2
    return [{ where, aheadMs, withinMs: (after - before + stepMs) / 2 }]
  }
  return (await Promise.all(asked)).flat()
}

/** One finding a clock that differs from this machine's by more than the reading may be wrong. */
export function judgeClock({ aheadMs, withinMs }: ClockReading): Finding[] {
  const differsMs = Math.abs(aheadMs) - withinMs
  if (differsMs < adviceMs) return []
  return [
    {
      level: differsMs >= faultMs ? 'fault' : 'advice',
      what: `Its clock is ${timeWords(differsMs)} ${aheadMs > 0 ? 'ahead of' : 'behind'} this machine's.`,
      means:
        'Times in answers and timelines do not fit together, orders placed on different machines are listed out of order, and partitions are made for the wrong day. Kafka refuses messages from an hour ahead. No money depends on it: leases go by the clock of the database alone.',
      next: 'Where only one is told of, that machine is wrong; where all are, this one is. Set up NTP there (timedatectl, chronyc tracking).',
      page: 'docs/doctor.md#clocks',
    },
  ]
}

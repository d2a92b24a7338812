import { useMemo } from 'react'
import type { LedgerEntry } from '../api/model.ts'
import { Chart } from '../charts/chart.tsx'
import { moneyText } from '../money/display.tsx'
import { dateTime } from '../time/time.ts'

/** The balance over time, a step for each entry. Pixels only: the numbers stand in the ledger below. */
export default function BalanceChart({ entries }: { entries: LedgerEntry[] }) {
  const data = useMemo(() => {
    const oldestFirst = entries.toReversed()
    return {
      at: oldestFirst.map(entry => new Date(entry.created_at).getTime() / 1_000),
      series: [oldestFirst.map(entry => entry.balance_after)],
    }
  }, [entries])
  if (entries.length < 2) return <p className="quiet chart-place">The chart begins with the second entry.</p>
  const [oldest, newest] = [entries.at(-1), entries.at(0)]
  const label =
    oldest && newest
      ? `Balance from ${moneyText(oldest.balance_after)} on ${dateTime(new Date(oldest.created_at))} to ${moneyText(newest.balance_after)}`
      : 'Balance'
  return <Chart label={label} at={data.at} series={data.series} colors={['--accent']} height={150} stepped />
}

import type { Report } from 'gateway/integrity/report'

/** For people: every rule with its outcome, and what to do where it does not hold. */
export function printReport(report: Report): void {
  console.log(linesOf(report).join('\n'))
}

function linesOf(report: Report): string[] {
  const { checks, checked, overdue, took_ms, verified_to, missing, sweeps } = report
  const lines = checks.flatMap(({ rule, violations, is_capped, found, next }) =>
    violations === 0
      ? [`  ok    ${rule}`]
      : [
          `  WRONG ${rule}: ${is_capped ? 'at least ' : ''}${violations}`,
          ...found.map(({ id, detail, found_at }) => `          ${id}  ${detail} (found ${found_at})`),
          `        What to do: ${next}`,
        ],
  )
  const swept = sweeps.map(({ area, checked: rows, last_finished_at, last_checked }) =>
    last_finished_at
      ? `  ${area}: all ${last_checked} looked through, ended ${last_finished_at}`
      : `  ${area}: ${rows} looked through so far`,
  )
  return [
    ...lines,
    '',
    `  ${checked.orders} orders, ${checked.accounts} accounts and ${checked.ledger_entries} ledger entries in ${took_ms} ms`,
    `  orders placed before ${verified_to ?? '(none yet)'} compared with their payments`,
    ...(overdue.count > 0
      ? [`  ${overdue.is_capped ? 'at least ' : ''}${overdue.count} orders are late`]
      : []),
    ...swept,
    '',
    conclusion(report, missing),
  ]
}

function conclusion({ status, violations }: Report, missing: string[] = []): string {
  const silent = missing.length > 0 ? ` ${missing.join(', ')} does not answer, so not all was checked.` : ''
  if (status === 'violated') return `${violations} violations are known.${silent}`
  if (status === 'incomplete') return `Nothing wrong is known, but:${silent} Start it, and ask again.`
  return 'Every rule holds.'
}

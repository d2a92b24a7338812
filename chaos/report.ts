import type { ChaosOptions, ChaosResult, Progress } from './run-chaos.ts'

/** One line for people who watch. */
export function progressLine({
  round,
  orders,
  faults,
  broken,
  unsettled,
  oldestSeconds,
  violations,
}: Progress): string {
  const waiting =
    unsettled === undefined
      ? 'the database does not answer'
      : `${unsettled} unsettled${unsettled > 0 ? `, the oldest for ${oldestSeconds?.toFixed(0)} s` : ''}`
  const now = broken.length > 0 ? ` · now ${broken.join(' + ')}` : ''
  return `round ${round} · ${orders} orders · ${faults} faults · ${waiting} · ${violations} violations${now}`
}

export function replayCommand({
  seed,
  minutes,
  rate,
}: Pick<ChaosOptions, 'seed' | 'minutes' | 'rate'>): string {
  return `npm run chaos -- --seed ${seed} --minutes ${minutes} --rate ${rate}`
}

/** For sharing: what was done to the system, and what was found. */
export function markdownReport(result: ChaosResult, options: ChaosOptions, endedAt: Date): string {
  const { rounds, orders, operations, faults, missed, violations, seconds } = result
  const settled = rounds.map(({ settledMs }) => settledMs)
  const total = rounds.reduce((sum, round) => sum + round.faults, 0)
  const verdict =
    violations.length === 0
      ? '**Nothing was lost, doubled, out of order or stuck.**'
      : `**${violations.length} violations.**`
  const kinds = Object.entries(faults).toSorted(([, a], [, b]) => b - a)
  const leftOut = [...new Set(missed)].map(what => `\nCould not be begun: ${what}\n`).join('')
  return `# Chaos, seed ${result.seed}

${verdict} ${orders} orders acknowledged under ${total} faults in ${rounds.length} rounds, ${(seconds / 60).toFixed(1)} minutes, ended ${endedAt.toISOString()}.

Again: \`${replayCommand(options)}\`

| | |
| --- | --- |
| requests acknowledged, refused, of unknown outcome | ${operations.ok}, ${operations.refused}, ${operations.unknown} |
| instances of each service | ${options.instances} |
| settled after healing, worst of all rounds | ${(Math.max(0, ...settled) / 1000).toFixed(1)} s |
| faults that could not be begun | ${missed.length} |

## Faults

| kind | times |
| --- | --- |
${kinds.map(([kind, times]) => `| ${kind.replaceAll('_', ' ')} | ${times} |`).join('\n')}
${leftOut}
## Violations

${violations.length === 0 ? 'None.' : violations.map(violation => `- ${describeViolation(violation)}`).join('\n')}

## Rounds

| round | faults | orders | settled after healing |
| --- | --- | --- | --- |
${rounds.map((round, i) => `| ${i + 1} | ${round.faults} | ${round.orders} | ${(round.settledMs / 1000).toFixed(1)} s |`).join('\n')}
`
}

export function describeViolation(violation: ChaosResult['violations'][number]): string {
  const { user, order } = violation as { user?: number; order?: string }
  const about = [user !== undefined && `user ${user}`, order && `order ${order}`].filter(Boolean).join(', ')
  return `${violation.kind}${about && ` (${about})`}: ${violation.detail}`
}

import { setTimeout as sleep } from 'node:timers/promises'
import { askUntilSwept } from 'scripts/audit/ask-integrity'

/** A gateway that died in its turn of the audit leaves a lease of two minutes behind; a turn in which a service was silent, a pause of 80 s. */
const auditMsMax = 240_000
const askAgainMs = 1_000

/** What the system's own audit finds, asked through the gateway until it has looked at everything. */
export async function auditOf(gatewayUrl: string): Promise<{ kind: 'integrity'; detail: string }[]> {
  const tooLate = new AbortController()
  const report = await Promise.race([
    askUntilComplete(gatewayUrl, tooLate.signal).catch((error: Error) => error.message),
    sleep(auditMsMax, `not within ${auditMsMax / 1000} s`, { signal: tooLate.signal }),
  ])
  tooLate.abort()
  if (typeof report === 'string') return [{ kind: 'integrity', detail: `not audited: ${report}` }]
  return report.checks.flatMap(({ name, found }) =>
    found.map(({ id, detail }) => ({ kind: 'integrity' as const, detail: `${name} (${id}): ${detail}` })),
  )
}

/** A connection that was cut a moment ago may make a service look silent once more. */
async function askUntilComplete(gatewayUrl: string, signal: AbortSignal): ReturnType<typeof askUntilSwept> {
  for (;;) {
    const report = await askUntilSwept(gatewayUrl)
    if (report.status !== 'incomplete' || signal.aborted) return report
    await sleep(askAgainMs)
  }
}

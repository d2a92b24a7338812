import { setTimeout as sleep } from 'node:timers/promises'
import type { Report } from 'gateway/integrity/report'
import { nobodyAt, notTheGatewayAt } from '../system/gateway-url.ts'

const answerMsMax = 60_000
const askAgainMs = 1_000
/** Turns that could not be taken in a row, before we give up. */
const refusalsMax = 60

/** What the running system knows of its integrity. Throws, in words for people, where it does not say. */
export async function askIntegrity(gatewayUrl: string): Promise<Report> {
  for (let refusals = 0; ; refusals++) {
    const response = await fetch(`${gatewayUrl}/integrity`, {
      signal: AbortSignal.timeout(answerMsMax),
    }).catch(() => {
      throw new Error(nobodyAt(gatewayUrl))
    })
    const body = (await response.json().catch(() => ({}))) as Partial<Report> & { detail?: string }
    if (response.status === 200 && body.sweeps) return body as Report
    if ([200, 404].includes(response.status)) throw new Error(notTheGatewayAt(gatewayUrl))
    if (refusals >= refusalsMax || ![429, 503].includes(response.status)) {
      throw new Error(
        `GET ${gatewayUrl}/integrity answered ${response.status}: ${body.detail ?? response.statusText}`,
      )
    }
    await sleep(askAgainMs)
  }
}

/**
 * Asks until each sweep has come to its end twice: the one under way began before now, and no two clocks are compared.
 * Answers earlier where a service is silent.
 */
export async function askUntilSwept(
  gatewayUrl: string,
  onWaiting: (left: Report['sweeps']) => void = () => undefined,
): Promise<Report> {
  let report = await askIntegrity(gatewayUrl)
  const endsOf = new Map(report.sweeps.map(({ area, last_finished_at }) => [area, [last_finished_at]]))
  for (;;) {
    for (const { area, last_finished_at } of report.sweeps) {
      const ends = endsOf.get(area)
      if (ends && ends.at(-1) !== last_finished_at) ends.push(last_finished_at)
    }
    const left = report.sweeps.filter(({ area }) => (endsOf.get(area)?.length ?? 0) < 3)
    if (left.length === 0 || report.status === 'incomplete') return report
    onWaiting(left)
    await sleep(askAgainMs)
    report = await askIntegrity(gatewayUrl)
  }
}

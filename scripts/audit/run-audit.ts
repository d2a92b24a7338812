import type { Report } from 'gateway/integrity/report'
import { type Parsed, parseCommandLine, tooMuch } from '../command-line.ts'
import { gatewayUrlIn } from '../system/gateway-url.ts'
import { askIntegrity, askUntilSwept } from './ask-integrity.ts'
import { printReport } from './print-report.ts'

const usage = `npm run audit -- [--full] [--json]

Asks the running system whether money and messages add up, and says what to do where they do not.
  --full  goes on until all of history has been looked through once more
  --json  prints the answer of GET /integrity as it is

Ends with 0 where every rule holds, 1 where one is violated, 2 where that cannot be told.
GATEWAY_URL names the running system; without it, what npm start runs.`

const exitCodes = { sound: 0, violated: 1, incomplete: 2 }

export type AuditOptions = { isFull: boolean; asJson: boolean }

export const parseAuditOptions = (args: string[]): Parsed<AuditOptions> =>
  parseCommandLine(
    args,
    { flags: { full: { type: 'boolean' }, json: { type: 'boolean' } }, usage },
    ({ full = false, json = false }, words) => {
      const surplus = tooMuch(words)
      if (surplus) return { kind: 'mistake', text: surplus }
      return { kind: 'options', options: { isFull: full, asJson: json } }
    },
  )

/** Answers the exit code. */
export async function runAudit(
  { isFull, asJson }: AuditOptions,
  env: Record<string, string | undefined>,
): Promise<number> {
  const gatewayUrl = gatewayUrlIn(env)
  try {
    const report = await (isFull ? askUntilSwept(gatewayUrl, showWaiting) : askIntegrity(gatewayUrl))
    if (asJson) console.log(JSON.stringify(report, null, 2))
    else printReport(report)
    return exitCodes[report.status]
  } catch (error) {
    console.log((error as Error).message)
    return 2
  }
}

function showWaiting(left: Report['sweeps']): void {
  const done = left.map(({ area, checked, last_checked }) => `${area} ${checked}/${last_checked || '?'}`)
  process.stderr.write(`  looking through ${done.join(', ')}\n`)
}

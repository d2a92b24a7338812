import { noOrderId, type Turn } from 'edge/integrity'
import { type Static, Type } from 'typebox'
import type { ServiceName } from '../public-calls.ts'
import { type CheckName, checkNames, checks } from './checks.ts'
import { openPerCheckMax } from './open-findings.ts'
import { type AreaName, areaNames, type Progress } from './progress.ts'

const Time = Type.String({ format: 'date-time' })
const TimeOrNull = Type.Unsafe<string | null>({ type: ['string', 'null'], format: 'date-time' })

const Sweep = Type.Object({
  area: Type.String({ examples: ['orders', 'payments', 'accounts', 'ledger'] }),
  started_at: Time,
  checked: Type.Integer({ description: 'Rows of the sweep that runs' }),
  last_started_at: TimeOrNull,
  last_finished_at: TimeOrNull,
  last_checked: Type.Integer({ description: 'Rows of the last sweep that came to its end' }),
})

export const Report = Type.Object({
  status: Type.Unsafe<'sound' | 'violated' | 'incomplete'>({
    type: 'string',
    enum: ['sound', 'violated', 'incomplete'],
    description:
      'violated: a rule does not hold. incomplete: a service did not answer, and nothing wrong is known.',
  }),
  at: Time,
  took_ms: Type.Number({ description: 'Of this turn; its work is bounded, however many orders there are' }),
  settled_within_ms: Type.Integer({ description: 'Orders that are younger are not judged' }),
  verified_to: Type.Unsafe<string | null>({
    type: ['string', 'null'],
    format: 'date-time',
    description: 'Orders placed before have been compared with their payments at least once',
  }),
  overdue: Type.Object({ count: Type.Integer(), is_capped: Type.Boolean() }),
  checked: Type.Object(
    { orders: Type.Integer(), accounts: Type.Integer(), ledger_entries: Type.Integer() },
    { description: 'Rows of this turn' },
  ),
  sweeps: Type.Array(Sweep, { description: 'All of history is looked through again and again' }),
  violations: Type.Integer({ description: 'Known and not healed; at most 20 of each check are kept' }),
  checks: Type.Array(
    Type.Object({
      name: Type.String(),
      rule: Type.String(),
      violations: Type.Integer(),
      is_capped: Type.Boolean({ description: 'There may be more than are shown' }),
      found: Type.Array(
        Type.Object({
          id: Type.String({ description: 'Of the order; of the user in checks of accounts' }),
          detail: Type.String(),
          found_at: Time,
        }),
      ),
      next: Type.Optional(Type.String({ description: 'What to do where it does not hold' })),
    }),
  ),
  missing: Type.Optional(
    Type.Array(Type.String(), {
      description: 'Services that did not answer: what they know was not checked',
    }),
  ),
})
export type Report = Static<typeof Report>

export function makeReport(
  progress: Progress,
  turn: {
    at: Date
    tookMs: number
    settledWithinMs: number
    overdue: Turn['overdue']
    checked: Record<AreaName, number>
    silent: ServiceName | undefined
  },
): Report {
  const { findings, sweeps, verified_to } = progress
  const { count, is_capped } = turn.overdue
  const { orders, accounts, ledger: ledger_entries } = turn.checked
  return {
    status: findings.length > 0 ? 'violated' : turn.silent ? 'incomplete' : 'sound',
    at: turn.at.toISOString(),
    took_ms: Math.round(turn.tookMs),
    settled_within_ms: turn.settledWithinMs,
    verified_to: verified_to === noOrderId ? null : timeOfOrderId(verified_to),
    overdue: { count, is_capped },
    checked: { orders, accounts, ledger_entries },
    sweeps: areaNames.map(area => {
      const { started_at, checked, last } = sweeps[area]
      return {
        area,
        started_at,
        checked,
        last_started_at: last?.started_at ?? null,
        last_finished_at: last?.finished_at ?? null,
        last_checked: last?.checked ?? 0,
      }
    }),
    violations: findings.length,
    checks: checkNames.map(name => checkOf(name, findings)),
    ...(turn.silent && { missing: [`${turn.silent}-service`] }),
  }
}

function checkOf(name: CheckName, findings: Progress['findings']): Report['checks'][number] {
  const found = findings
    .filter(({ check }) => check === name)
    .map(({ id, detail, found_at }) => ({ id, detail, found_at }))
  const { rule, next } = checks[name]
  return {
    name,
    rule,
    violations: found.length,
    is_capped: found.length === openPerCheckMax,
    found,
    ...(found.length > 0 && { next }),
  }
}

/** The first 48 bits of a UUIDv7. */
const timeOfOrderId = (id: string) =>
  new Date(Number.parseInt(id.replace('-', '').slice(0, 12), 16)).toISOString()

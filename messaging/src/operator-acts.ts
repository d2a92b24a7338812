import { type Kysely, sql, type Transaction } from 'kysely'
import { storable } from './storable-text.ts'

/** Who acts, and why. Written beside every act; names are what people say of themselves. */
export type Operator = { who: string; why: string | null }

export type OperatorAct = Operator & {
  id: bigint
  at: Date
  act: 'redrive' | 'discard' | 'replay'
  outcome: 'begun' | 'done' | 'failed'
  deadLetterId: bigint | null
  consumer: string | null
  eventId: string | null
  topic: string | null
  key: string | null
  detail: Record<string, unknown> | null
}

type NewAct = Pick<OperatorAct, 'act' | 'outcome'> & Partial<Omit<OperatorAct, 'id' | 'at' | 'who' | 'why'>>

/** Written in the transaction of what is done, so that neither is there without the other. */
export async function recordAct<DB>(
  trx: Transaction<DB>,
  { who, why }: Operator,
  { act, outcome, deadLetterId, consumer, eventId, topic, key, detail }: NewAct,
): Promise<void> {
  await sql`
    insert into operator_acts (who, why, act, outcome, dead_letter_id, consumer, event_id, topic, key, detail)
    values (${storable(who)}, ${why === null ? null : storable(why)}, ${act}, ${outcome},
            ${deadLetterId === undefined ? null : String(deadLetterId)}, ${consumer ?? null}, ${eventId ?? null},
            ${topic ?? null}, ${key ?? null}, ${detail ? JSON.stringify(detail) : null})`.execute(trx)
}

/** Newest first; `beforeId` pages on, `deadLetterId` leaves those of one letter. */
export async function listActs<DB>(
  db: Kysely<DB>,
  { deadLetterId, beforeId, limit = 100 }: { deadLetterId?: bigint; beforeId?: bigint; limit?: number } = {},
): Promise<OperatorAct[]> {
  const { rows } = await sql<ActRow>`
    select id::text, at, who, why, act, outcome, dead_letter_id::text, consumer, event_id, topic, key, detail
    from operator_acts
    where (${optional(beforeId)}::bigint is null or id < ${optional(beforeId)})
      and (${optional(deadLetterId)}::bigint is null or dead_letter_id = ${optional(deadLetterId)})
    order by operator_acts.id desc limit ${limit}`.execute(db)
  return rows.map(({ id, dead_letter_id, event_id, ...row }) => ({
    ...row,
    id: BigInt(id),
    deadLetterId: dead_letter_id === null ? null : BigInt(dead_letter_id),
    eventId: event_id,
  }))
}

type ActRow = Omit<OperatorAct, 'id' | 'deadLetterId' | 'eventId'> & {
  id: string
  dead_letter_id: string | null
  event_id: string | null
}

const optional = (id: bigint | undefined): string | null => (id === undefined ? null : String(id))

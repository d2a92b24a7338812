import { type ControlledTransaction, sql, type Transaction } from 'kysely'
import { type DeadLetter, type LetterRow, letterColumns, toDeadLetter } from './dead-letter-rows.ts'
import { closeDiscarded, type Desk, handleLetters, lockParked } from './dead-letters.ts'
import { isInfrastructureError } from './infrastructure-error.ts'
import { reasonOf } from './storable-text.ts'

export type PreviewStep = {
  letter: DeadLetter
  /** 'parked': it waits now and is poison itself; 'not_tried': it stays as it is, behind another or past the bound. */
  outcome: 'handled' | 'discarded' | 'failed' | 'parked' | 'not_tried'
  reason: string | null
}
export type TableChange = { table: string; inserted: number; updated: number; deleted: number }
export type PreviewedEvent = {
  topic: string
  key: string | null
  type: string
  aggregateId: string
  payload: string
}
export type Preview = {
  /** In the order in which they would run. */
  steps: PreviewStep[]
  /** Rows of every table that the handled ones would write. */
  changes: TableChange[]
  events: PreviewedEvent[]
  /** More wait behind these than were looked at. */
  isCapped: boolean
}

/** Bounds how long the dry run holds its locks: about 5 ms each for a debit. */
export const previewMax = 100

/**
 * Does what redrive or discard would do, one message after the other, in a transaction that is rolled back, and tells
 * what it saw. Undefined where the letter is not parked. It waits for the key's other redrives, and consumers that
 * would add to the key wait for it; handlers must write through `trx` only, as always. Throws on broken
 * infrastructure.
 */
export async function preview<DB, Payload>(
  { db, definition }: Desk<DB, Payload>,
  id: bigint,
  act: 'redrive' | 'discard',
): Promise<Preview | undefined> {
  const trx = await db.startTransaction().execute()
  try {
    const letter = await lockParked(trx, definition.name, id)
    if (!letter) return undefined
    const behind = await listNext(trx, letter)
    const before = await readCounters(trx)
    let changes = before
    const steps: PreviewStep[] = []
    if (act === 'discard') {
      await closeDiscarded(trx, id, 'dry run')
      changes = await readCounters(trx)
      steps.push({ letter, outcome: 'discarded', reason: null })
    }
    const toTry = [...(act === 'redrive' ? [letter] : []), ...behind]
    let isStopped = false
    for (const [position, next] of toTry.entries()) {
      if (isStopped || position >= previewMax) {
        steps.push({ letter: next, outcome: 'not_tried', reason: null })
        continue
      }
      const reason = await tryOne(trx, () => handleLetters(trx, definition, [next]))
      if (reason === null) {
        changes = await readCounters(trx)
        steps.push({ letter: next, outcome: 'handled', reason })
      } else {
        isStopped = true
        steps.push({ letter: next, outcome: next.id === id ? 'failed' : 'parked', reason })
      }
    }
    return {
      steps: steps.slice(0, previewMax),
      changes: differences(before, changes),
      events: await readAppended(trx),
      isCapped: toTry.length > previewMax,
    }
  } finally {
    await trx.rollback().execute()
  }
}

/** Null when it went well; else why not, with nothing of it left. */
async function tryOne<DB>(trx: ControlledTransaction<DB>, work: () => Promise<void>): Promise<string | null> {
  await sql`savepoint one_message`.execute(trx)
  try {
    await work()
    await sql`release savepoint one_message`.execute(trx)
    return null
  } catch (error) {
    if (isInfrastructureError(error)) throw error
    await sql`rollback to savepoint one_message`.execute(trx)
    return reasonOf(error)
  }
}

/** As releaseKey goes through them: up to the next parked one. */
async function listNext<DB>(trx: Transaction<DB>, letter: DeadLetter): Promise<DeadLetter[]> {
  const { rows } = await sql<LetterRow>`
    select ${letterColumns} from dead_letters
    where consumer = ${letter.consumer} and topic = ${letter.source.topic} and key = ${letter.source.key}
      and state in ('parked', 'waiting') and id <> ${String(letter.id)}
    order by dead_letters.id limit ${previewMax + 1}`.execute(trx)
  const parkedAt = rows.findIndex(({ state }) => state === 'parked')
  return (parkedAt === -1 ? rows : rows.slice(0, parkedAt)).map(toDeadLetter)
}

type Counters = Map<string, Omit<TableChange, 'table'>>

/** PostgreSQL counts as it goes; what other transactions do is not in it. Partitions count as their table. */
async function readCounters<DB>(trx: Transaction<DB>): Promise<Counters> {
  const { rows } = await sql<TableChange>`
    select coalesce(pg_partition_root(relid), relid)::regclass::text as table,
           sum(n_tup_ins)::int as inserted, sum(n_tup_upd)::int as updated, sum(n_tup_del)::int as deleted
    from pg_stat_xact_user_tables group by 1 order by 1`.execute(trx)
  return new Map(rows.map(({ table, ...counts }) => [table, counts]))
}

function differences(before: Counters, after: Counters): TableChange[] {
  return [...after].flatMap(([table, { inserted, updated, deleted }]) => {
    const was = before.get(table) ?? { inserted: 0, updated: 0, deleted: 0 }
    const change = {
      table,
      inserted: inserted - was.inserted,
      updated: updated - was.updated,
      deleted: deleted - was.deleted,
    }
    return change.inserted + change.updated + change.deleted > 0 ? [change] : []
  })
}

async function readAppended<DB>(trx: Transaction<DB>): Promise<PreviewedEvent[]> {
  const { rows } = await sql<PreviewedEvent>`
    select topic, key, event_type as type, aggregate_id as "aggregateId", payload::text as payload
    from outbox where xid = pg_current_xact_id() order by outbox.id`.execute(trx)
  return rows
}

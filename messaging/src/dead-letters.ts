import { type Kysely, sql, type Transaction } from 'kysely'
import type { ConsumerDefinition, Message } from './consumer.ts'
import { type DeadLetter, type LetterRow, letterColumns, toDeadLetter } from './dead-letter-rows.ts'
import { failpointsOf } from './failpoint.ts'
import { decodeWith, tellCommitted } from './handle-batch.ts'
import { isInfrastructureError } from './infrastructure-error.ts'
import type { Log } from './log.ts'
import { type Operator, recordAct } from './operator-acts.ts'
import { reasonOf, storable } from './storable-text.ts'

export type ReleaseOutcome =
  | { kind: 'released'; handled: number }
  /** A waiting message turned out to be poison itself: it is parked now, and the rest go on waiting behind it. */
  | { kind: 'parked'; handled: number; id: bigint; reason: string }

export type RedriveOutcome = ReleaseOutcome | { kind: 'failed'; reason: string } | { kind: 'not_parked' }
export type DiscardOutcome = ReleaseOutcome | { kind: 'not_parked' }

const failpoint = failpointsOf<'letter.redriven' | 'letter.discarded' | 'letter.closed' | 'key.released'>()

/** Waiting messages that are released in one transaction, which ends with the one that brings it to so many bytes. */
const releaseBatchMax = 200
const releaseBytesMax = 4 * 1024 * 1024

export type Desk<DB, Payload> = { db: Kysely<DB>; definition: ConsumerDefinition<DB, Payload>; log: Log }

/**
 * Handles a parked message again, then those that wait behind it, in order. 'failed': it is still poison, nothing
 * has changed but the record of the attempt. Throws on broken infrastructure; then call it again, and should it have
 * got past the parked message already ('not_parked'), releaseForgottenKeys, which every running consumer calls,
 * finishes the rest.
 */
export async function redrive<DB, Payload>(
  desk: Desk<DB, Payload>,
  id: bigint,
  by: Operator,
): Promise<RedriveOutcome> {
  const { db, definition } = desk
  let letter: DeadLetter | undefined
  try {
    await db.transaction().execute(async trx => {
      letter = await lockParked(trx, definition.name, id)
      if (!letter) return
      await handleLetters(trx, definition, [letter])
      await recordAct(trx, by, { act: 'redrive', outcome: 'done', ...named(letter) })
      await failpoint('letter.redriven')
    })
  } catch (error) {
    if (isInfrastructureError(error)) throw error
    const [failed, reason] = [letter as DeadLetter | undefined, reasonOf(error)]
    if (failed) {
      await db
        .transaction()
        .execute(trx =>
          recordAct(trx, by, { act: 'redrive', outcome: 'failed', ...named(failed), detail: { reason } }),
        )
    }
    return { kind: 'failed', reason }
  }
  if (!letter) return { kind: 'not_parked' }
  await failpoint('letter.closed')
  const outcome = await releaseKey(desk, letter.source)
  return { ...outcome, handled: outcome.handled + 1 }
}

/** Gives a parked message up, for the reason in `why`, then handles those that wait behind it, in order. */
export async function discard<DB, Payload>(
  desk: Desk<DB, Payload>,
  id: bigint,
  by: Operator & { why: string },
): Promise<DiscardOutcome> {
  const letter = await desk.db.transaction().execute(async trx => {
    const found = await lockParked(trx, desk.definition.name, id)
    if (found) {
      await closeDiscarded(trx, id, by.why)
      await recordAct(trx, by, { act: 'discard', outcome: 'done', ...named(found) })
      await failpoint('letter.discarded')
    }
    return found
  })
  return letter ? releaseKey(desk, letter.source) : { kind: 'not_parked' }
}

export const closeDiscarded = <DB>(trx: Transaction<DB>, id: bigint, why: string) =>
  sql`update dead_letters set state = 'discarded', closed_at = clock_timestamp(), note = ${storable(why)}
      where id = ${String(id)}`.execute(trx)

const named = ({ id, consumer, eventId, source: { topic, key } }: DeadLetter) => ({
  deadLetterId: id,
  consumer,
  eventId,
  topic,
  key,
})

/**
 * Finishes releases that a crash cut short: keys that are blocked with nothing parked. Answers how many keys there
 * were. Safe at any time and in any number of instances; a running consumer calls it by itself.
 */
export async function releaseForgottenKeys<DB, Payload>(desk: Desk<DB, Payload>): Promise<number> {
  const { rows } = await sql<{ topic: string; key: string }>`
    select topic, key from blocked_keys b where consumer = ${desk.definition.name} and not exists (
      select from dead_letters d
      where d.consumer = b.consumer and d.topic = b.topic and d.key = b.key and state = 'parked')`.execute(
    desk.db,
  )
  for (const row of rows) await releaseKey(desk, row)
  return rows.length
}

async function releaseKey<DB, Payload>(
  desk: Desk<DB, Payload>,
  { topic, key }: { topic: string; key: string | null },
): Promise<ReleaseOutcome> {
  let handled = 0
  let limit = releaseBatchMax
  while (key !== null) {
    const outcome = await releaseSome(desk, topic, key, limit)
    if (outcome.kind === 'done') break
    if (outcome.kind === 'handled') {
      handled += outcome.handled
    } else if (limit > 1) {
      limit = 1
    } else if (await parkFirst(desk, outcome)) {
      tellCommitted(desk.definition, desk.log)
      return { kind: 'parked', handled, id: outcome.first.id, reason: outcome.reason }
    }
  }
  tellCommitted(desk.definition, desk.log)
  return { kind: 'released', handled }
}

type Failed = { kind: 'failed'; first: DeadLetter; reason: string }
type SomeReleased = { kind: 'handled'; handled: number } | { kind: 'done' } | Failed

/** The next waiting messages of a key; where there are none (or a parked one stands in front), the key is done. */
async function releaseSome<DB, Payload>(
  { db, definition }: Desk<DB, Payload>,
  topic: string,
  key: string,
  limit: number,
): Promise<SomeReleased> {
  let first: DeadLetter | undefined
  try {
    const handled = await db.transaction().execute(async trx => {
      // Another has freed it. It may be blocked anew at any moment, which without the lock we would not see.
      if (!(await lockKey(trx, definition.name, topic, key))) return 0
      const { rows } = await sql<LetterRow>`
        select ${letterColumns} from (
          select *, sum(octet_length(value)) over (order by id rows between unbounded preceding and 1 preceding) as before
          from dead_letters
          where consumer = ${definition.name} and topic = ${topic} and key = ${key} and state in ('parked', 'waiting')
          order by id limit ${limit}
        ) as dead_letters
        where coalesce(before, 0) < ${releaseBytesMax} order by dead_letters.id`.execute(trx)
      const parkedAt = rows.findIndex(({ state }) => state === 'parked')
      const waiting = (parkedAt === -1 ? rows : rows.slice(0, parkedAt)).map(toDeadLetter)
      first = waiting[0]
      if (waiting.length > 0) await handleLetters(trx, definition, waiting)
      else if (parkedAt === -1) {
        await sql`delete from blocked_keys where consumer = ${definition.name} and topic = ${topic} and key = ${key}`.execute(
          trx,
        )
      }
      await failpoint('key.released')
      return waiting.length
    })
    return handled > 0 ? { kind: 'handled', handled } : { kind: 'done' }
  } catch (error) {
    if (!first || isInfrastructureError(error)) throw error
    return { kind: 'failed', first, reason: reasonOf(error) }
  }
}

/** Against consumers that would add to the key, and other redrives of it: see lockBlockedKeys. Answers whether it is blocked. */
async function lockKey<DB>(
  trx: Transaction<DB>,
  consumer: string,
  topic: string,
  key: string,
): Promise<boolean> {
  const { rows } =
    await sql`select from blocked_keys where consumer = ${consumer} and topic = ${topic} and key = ${key} for update`.execute(
      trx,
    )
  return rows.length > 0
}

export async function lockParked<DB>(
  trx: Transaction<DB>,
  consumer: string,
  id: bigint,
): Promise<DeadLetter | undefined> {
  const find = sql<LetterRow>`
    select ${letterColumns} from dead_letters where id = ${String(id)} and consumer = ${consumer} and state = 'parked'`
  const [found] = (await find.execute(trx)).rows
  if (!found) return undefined
  if (found.key !== null) await lockKey(trx, consumer, found.topic, found.key)
  // Two redrives of one letter: the second waits here, and then finds it closed.
  const [locked] = (await sql<LetterRow>`${find} for update`.execute(trx)).rows
  return locked && toDeadLetter(locked)
}

export async function handleLetters<DB, Payload>(
  trx: Transaction<DB>,
  definition: ConsumerDefinition<DB, Payload>,
  letters: DeadLetter[],
): Promise<void> {
  const messages = letters.map(({ eventId, source }): Message<Payload> => {
    const decoded = decodeWith(definition.decode, source)
    if (!decoded.ok) throw new Error(`it cannot be decoded: ${decoded.reason}`)
    return { eventId, source, payload: decoded.payload }
  })
  await definition.handle(trx, messages, await definition.lock?.(trx, messages))
  await sql`
    update dead_letters set state = 'redriven', closed_at = clock_timestamp()
    where id = any(${letters.map(({ id }) => String(id))}::bigint[])`.execute(trx)
}

/** False when another release of this key has dealt with it meanwhile: what it handled must not be parked. */
async function parkFirst<DB, Payload>(
  { db, definition }: Desk<DB, Payload>,
  { first, reason }: Failed,
): Promise<boolean> {
  const { topic, key } = first.source
  return db.transaction().execute(async trx => {
    await lockKey(trx, definition.name, topic, String(key))
    const { numAffectedRows } = await sql`
      update dead_letters set state = 'parked', reason = ${reason}, attempts = attempts + 1
      where id = ${String(first.id)} and state = 'waiting'`.execute(trx)
    return numAffectedRows === 1n
  })
}

import { setTimeout as sleep } from 'node:timers/promises'
import type { Kysely } from 'kysely'
import { type Backoff, backoffMs } from './backoff.ts'
import type { ConsumerDefinition, Decoded, Message } from './consumer.ts'
import { eventIdOf, placeOf, usableId } from './envelope.ts'
import { failpointsOf } from './failpoint.ts'
import { type Received, takeNew } from './inbox.ts'
import { isInfrastructureError } from './infrastructure-error.ts'
import type { Log } from './log.ts'
import { keyName, lockBlockedKeys, park, type ToPark } from './parking.ts'
import { together } from './round-trips.ts'
import { reasonOf, storable } from './storable-text.ts'
import type { IncomingMessage } from './transport.ts'

const failpoint = failpointsOf<
  | 'consumer.received'
  | 'consumer.taken'
  | 'consumer.handled'
  | 'consumer.committed'
  | 'consumer.parking'
  | 'consumer.parked'
>()

export type HandlerSettings<DB, Payload> = {
  db: Kysely<DB>
  definition: ConsumerDefinition<DB, Payload>
  log: Log
  /** How often a message is handled alone before it is parked. */
  attemptsMax?: number
  attemptRetry?: Backoff
  /** Between attempts while the database is out of reach; there is no last one. */
  infrastructureRetry?: Backoff
}

const handlerDefaults = {
  attemptsMax: 5,
  attemptRetry: { firstMs: 20, maxMs: 1_000 },
  infrastructureRetry: { firstMs: 50, maxMs: 5_000 },
}

export type BatchOutcome = { handled: number; duplicates: number; parked: number; waiting: number }
type Item<Payload> = Received & { decoded: Decoded<Payload> }

/** The id a message is remembered under: its CloudEvents id, else the one in its content, else its place in the topic. */
export function identify<Payload>(message: IncomingMessage, decoded: Decoded<Payload>): string {
  const inContent = decoded.ok ? usableId(decoded.id) : undefined
  return eventIdOf(message) ?? inContent ?? placeOf(message)
}

/** A decoder that throws is one that refuses: retrying its message would hold up the partition for ever. */
export function decodeWith<Payload>(
  decode: (message: IncomingMessage) => Decoded<Payload>,
  message: IncomingMessage,
): Decoded<Payload> {
  try {
    const decoded = decode(message)
    return decoded.ok ? decoded : { ok: false, reason: storable(decoded.reason) }
  } catch (error) {
    return { ok: false, reason: reasonOf(error) }
  }
}

/**
 * Handles each message once, however often it comes, and resolves when all of them are committed: handled, known
 * already, or put aside in dead_letters. Messages of one key take effect in the order given.
 *
 * Broken infrastructure is waited out for ever. What a handler throws otherwise is a poison message: halves find it,
 * it is tried `attemptsMax` times and parked, and later messages of its key wait behind it. Rejects only when the
 * signal ended one of these waits; what is not committed then has to come again.
 */
export async function handleBatch<DB, Payload>(
  settings: HandlerSettings<DB, Payload>,
  messages: IncomingMessage[],
  signal: AbortSignal,
): Promise<BatchOutcome> {
  const { definition, log, infrastructureRetry } = { ...handlerDefaults, ...settings }
  const items = distinct(
    messages.map(source => {
      const decoded = decodeWith(definition.decode, source)
      return { source, decoded, eventId: identify(source, decoded) }
    }),
  )
  const run: Run<DB, Payload> = { settings, signal, left: new Set(items) }
  const outcome: BatchOutcome = {
    handled: 0,
    duplicates: messages.length - items.length,
    parked: 0,
    waiting: 0,
  }
  for (let failures = 0; ; failures++) {
    try {
      await failpoint('consumer.received')
      await handleOrHalve(run, [...run.left], outcome)
      tellCommitted(definition, log)
      return outcome
    } catch (err) {
      if (!isInfrastructureError(err)) throw err
      const waitMs = backoffMs(infrastructureRetry, failures, Math.random())
      log.warn(
        { err, waitMs: Math.round(waitMs), consumer: definition.name },
        'cannot handle messages now; trying again',
      )
      await sleep(waitMs, undefined, { signal })
    }
  }
}

/** A message that stands twice in one batch counts once, at its first place. */
function distinct<Payload>(items: Item<Payload>[]): Item<Payload>[] {
  const first = new Map<string, Item<Payload>>()
  for (const item of items) if (!first.has(item.eventId)) first.set(item.eventId, item)
  return [...first.values()]
}

/** What is left of a batch after a failure: an attempt after it begins with what is not committed. */
type Run<DB, Payload> = {
  settings: HandlerSettings<DB, Payload>
  signal: AbortSignal
  left: Set<Item<Payload>>
}

async function handleOrHalve<DB, Payload>(
  run: Run<DB, Payload>,
  items: Item<Payload>[],
  outcome: BatchOutcome,
): Promise<void> {
  try {
    add(outcome, await handleTogether(run.settings, items))
  } catch (error) {
    if (isInfrastructureError(error)) throw error
    if (items.length === 1) {
      await handleAlone(run, items[0] as Item<Payload>, error, outcome)
    } else {
      const half = Math.ceil(items.length / 2)
      // One after the other: what is parked in the first half makes its followers in the second wait.
      await handleOrHalve(run, items.slice(0, half), outcome)
      await handleOrHalve(run, items.slice(half), outcome)
    }
  }
  for (const item of items) run.left.delete(item)
}

async function handleAlone<DB, Payload>(
  { settings, signal }: Run<DB, Payload>,
  item: Item<Payload>,
  firstError: unknown,
  outcome: BatchOutcome,
): Promise<void> {
  const { db, definition, log, attemptsMax, attemptRetry } = { ...handlerDefaults, ...settings }
  let error = firstError
  for (let attempts = 1; attempts < attemptsMax; attempts++) {
    await sleep(backoffMs(attemptRetry, attempts - 1, Math.random()), undefined, { signal })
    try {
      return add(outcome, await handleTogether(settings, [item]))
    } catch (next) {
      if (isInfrastructureError(next)) throw next
      error = next
    }
  }
  const { eventId, source } = item
  const became = await db.transaction().execute(async trx => {
    const isNew = await takeNew(trx, definition.name, [item])
    if (!isNew.has(eventId)) return 'duplicates'
    // What fails in `lock` does so also where its key is blocked: then it has to wait.
    const blocked = await lockBlockedKeys(trx, definition.name, [item])
    const letter =
      blocked.size > 0
        ? ({ state: 'waiting', reason: null, attempts: 0 } as const)
        : ({ state: 'parked', reason: reasonOf(error), attempts: attemptsMax } as const)
    await park(trx, definition.name, [{ eventId, source, ...letter }])
    await failpoint('consumer.parking')
    return letter.state
  })
  await failpoint('consumer.parked')
  add(outcome, { [became]: 1 })
  if (became !== 'parked') return
  const { topic, partition, offset, key } = source
  log.error(
    {
      err: error,
      consumer: definition.name,
      event_id: eventId,
      topic,
      partition,
      offset: String(offset),
      key,
    },
    'message parked: correct the cause and redrive it, or discard it; later messages of its key wait',
  )
}

/** One transaction: inbox, dead letters and effect exist together or not at all. */
async function handleTogether<DB, Payload>(
  { db, definition, log }: HandlerSettings<DB, Payload>,
  items: Item<Payload>[],
): Promise<BatchOutcome> {
  const letters = await db.transaction().execute(async trx => {
    const [isNew, blocked, locked] = await together(
      trx,
      trip => takeNew(trip, definition.name, items),
      trip => lockBlockedKeys(trip, definition.name, items),
      async trip => definition.lock?.(trip, items.flatMap(toMessage)),
    )
    await failpoint('consumer.taken')
    const fresh = items.filter(({ eventId }) => isNew.has(eventId))
    const { toHandle, toPark } = sort(fresh, blocked)
    await park(trx, definition.name, toPark)
    if (toHandle.length > 0) await definition.handle(trx, toHandle, locked)
    await failpoint('consumer.handled')
    return { handled: toHandle.length, duplicates: items.length - fresh.length, toPark }
  })
  await failpoint('consumer.committed')
  const parked = letters.toPark.filter(({ state }) => state === 'parked')
  for (const { eventId, reason, source } of parked) {
    const { topic, partition, offset, key } = source
    log.error(
      { consumer: definition.name, event_id: eventId, topic, partition, offset: String(offset), key, reason },
      'message parked: it cannot be decoded; later messages of its key wait',
    )
  }
  return {
    handled: letters.handled,
    duplicates: letters.duplicates,
    parked: parked.length,
    waiting: letters.toPark.length - parked.length,
  }
}

const toMessage = <Payload>({ eventId, source, decoded }: Item<Payload>): Message<Payload>[] =>
  decoded.ok ? [{ eventId, source, payload: decoded.payload }] : []

/** Adds the keys of what must be parked to `blocked`: what comes after it waits. */
function sort<Payload>(fresh: Item<Payload>[], blocked: Set<string>) {
  const toHandle: Message<Payload>[] = []
  const toPark: ToPark[] = []
  for (const { eventId, source, decoded } of fresh) {
    const key = source.key === null ? undefined : keyName(source.topic, source.key)
    if (key !== undefined && blocked.has(key)) {
      toPark.push({ eventId, source, state: 'waiting', reason: null, attempts: 0 })
    } else if (decoded.ok) {
      toHandle.push({ eventId, source, payload: decoded.payload })
    } else {
      toPark.push({ eventId, source, state: 'parked', reason: decoded.reason, attempts: 0 })
      if (key !== undefined) blocked.add(key)
    }
  }
  return { toHandle, toPark }
}

/** The work is committed: an error in telling of it must not bring the batch again. */
export function tellCommitted(definition: { name: string; afterCommit?(): void }, log: Log): void {
  try {
    definition.afterCommit?.()
  } catch (err) {
    log.warn(
      { err, consumer: definition.name },
      'afterCommit threw; what it announces is committed all the same',
    )
  }
}

function add(outcome: BatchOutcome, more: Partial<BatchOutcome>): void {
  for (const [name, count] of Object.entries(more)) outcome[name as keyof BatchOutcome] += count
}

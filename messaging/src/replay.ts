import { type Kysely, sql } from 'kysely'
import { outboxColumns } from './claim-window.ts'
import { type OutboxRow, toMessage } from './envelope.ts'
import { type Operator, recordAct } from './operator-acts.ts'
import type { Transport } from './transport.ts'

/** Which events: those that meet all that is given. Ids and times include both ends. */
export type ReplayRange = {
  fromId?: bigint
  toId?: bigint
  since?: Date
  until?: Date
  key?: string
  topic?: string
}

export type ReplayPlan = {
  events: number
  /** How many different keys, and the first few. */
  keys: number
  someKeys: string[]
  topics: string[]
  first: { id: bigint; at: Date } | undefined
  last: { id: bigint; at: Date } | undefined
  /** In the range, and left out: the relay has them still before it. */
  unpublished: number
  /** What the relay had published when the plan was made. */
  publishedTo: string
}

export type ReplaySettings<DB> = {
  db: Kysely<DB>
  transport: Pick<Transport, 'publish'>
  /** The relay's: a message that is sent again is the same message. */
  source: string
  /** Instead of each event's own topic. */
  toTopic?: string
  batchSize?: number
  onProgress?(sent: number): void
}

export class NothingPublishedError extends Error {
  override name = 'NothingPublishedError'
}

const keysShown = 10
const batchSizeDefault = 500

/**
 * Finds what a replay would send; sends nothing. Only what the relay has published can be sent again: an event sent
 * before its first time could overtake an earlier one of its key. The cursor is stored once a second, so the newest
 * second is left out too. Throws NothingPublishedError where no relay has ever run.
 */
export async function planReplay<DB>(
  db: Kysely<DB>,
  range: ReplayRange,
  cursor = 'outbox',
): Promise<ReplayPlan> {
  const stored = await sql<{ published_to: string }>`
    select published_to::text from relay_cursor where name = ${cursor}`.execute(db)
  const publishedTo = stored.rows[0]?.published_to
  if (publishedTo === undefined)
    throw new NothingPublishedError(
      'No relay has published anything of this outbox yet; nothing can be sent again.',
    )
  const { rows } = await sql<PlanRow>`
    with chosen as (
      select id, created_at, key, topic, pg_visible_in_snapshot(xid, ${publishedTo}::pg_snapshot) as is_published
      from outbox where ${within(range)}
    ), sendable as (select * from chosen where is_published)
    select count(*)::int as events, count(distinct key)::int as keys,
           (select count(*)::int from chosen where not is_published) as unpublished,
           (select coalesce(array_agg(key), '{}') from (
             select distinct key from sendable where key is not null order by key limit ${keysShown}) k) as some_keys,
           coalesce(array_agg(distinct topic), '{}') as topics,
           min(id)::text as first_id, max(id)::text as last_id,
           min(created_at) as first_at, max(created_at) as last_at
    from sendable`.execute(db)
  const { events, keys, unpublished, some_keys, topics, first_id, last_id, first_at, last_at } = rows[0]!
  return {
    events,
    keys,
    someKeys: some_keys,
    topics,
    unpublished,
    publishedTo,
    first: first_id && first_at ? { id: BigInt(first_id), at: first_at } : undefined,
    last: last_id && last_at ? { id: BigInt(last_id), at: last_at } : undefined,
  }
}

type PlanRow = {
  events: number
  keys: number
  unpublished: number
  some_keys: string[]
  topics: string[]
  first_id: string | null
  last_id: string | null
  first_at: Date | null
  last_at: Date | null
}

/** A replay that did not get to its end; everything up to `lastId` is sent. */
export class ReplayCutShortError extends Error {
  override name = 'ReplayCutShortError'
  readonly sent: number
  readonly lastId: bigint | undefined

  constructor(sent: number, lastId: bigint | undefined, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
    this.sent = sent
    this.lastId = lastId
  }
}

/**
 * Sends the events of the plan again, in the order of their ids, with the ids and headers of the first time, and
 * records who did it and why. Answers how many were sent. A consumer with an inbox takes none that it remembers.
 * Throws ReplayCutShortError where the broker or the database fails in the middle.
 */
export async function replay<DB>(
  settings: ReplaySettings<DB>,
  range: ReplayRange,
  plan: ReplayPlan,
  by: Operator,
): Promise<number> {
  const { db, transport, source, toTopic, batchSize = batchSizeDefault, onProgress } = settings
  const detail = { ...describe(range), to: toTopic ?? null, planned: plan.events }
  const record = (outcome: 'begun' | 'done' | 'failed', more: object = {}) =>
    db
      .transaction()
      .execute(trx => recordAct(trx, by, { act: 'replay', outcome, detail: { ...detail, ...more } }))
  if (!plan.last) return 0
  await record('begun')
  let sent = 0
  let lastId: bigint | undefined
  try {
    for (;;) {
      const rows = await readPage(db, range, plan, lastId, batchSize)
      if (rows.length > 0) {
        const messages = rows.map(row => toMessage(row, source))
        await transport.publish(toTopic ? messages.map(each => ({ ...each, topic: toTopic })) : messages)
        sent += rows.length
        lastId = BigInt(rows.at(-1)!.id)
        onProgress?.(sent)
      }
      if (rows.length < batchSize) break
    }
  } catch (error) {
    // Where this fails as well, the row that says 'begun' has no end, which tells the same.
    await record('failed', { sent, last_id: lastId === undefined ? null : String(lastId) }).catch(
      () => undefined,
    )
    throw new ReplayCutShortError(sent, lastId, error)
  }
  await record('done', { sent })
  return sent
}

async function readPage<DB>(
  db: Kysely<DB>,
  range: ReplayRange,
  { publishedTo, last }: ReplayPlan,
  afterId: bigint | undefined,
  limit: number,
): Promise<OutboxRow[]> {
  const { rows } = await sql<OutboxRow>`
    select ${sql.raw(outboxColumns)} from outbox
    where ${within(range)} and pg_visible_in_snapshot(xid, ${publishedTo}::pg_snapshot)
      and id <= ${String(last?.id)} and (${text(afterId)}::bigint is null or id > ${text(afterId)})
    order by outbox.id limit ${limit}`.execute(db)
  return rows
}

const text = (value: bigint | undefined): string | null => (value === undefined ? null : String(value))

/** Conditions only for what is given: `created_at` lets PostgreSQL leave whole days out. */
function within({ fromId, toId, since, until, key, topic }: ReplayRange) {
  const conditions = [
    fromId !== undefined && sql`id >= ${String(fromId)}`,
    toId !== undefined && sql`id <= ${String(toId)}`,
    since && sql`created_at >= ${since}`,
    until && sql`created_at <= ${until}`,
    key !== undefined && sql`key = ${key}`,
    topic !== undefined && sql`topic = ${topic}`,
  ].filter(condition => condition !== false && condition !== undefined)
  return conditions.length > 0 ? sql.join(conditions, sql` and `) : sql`true`
}

const describe = ({ fromId, toId, ...rest }: ReplayRange) => ({
  ...rest,
  ...(fromId !== undefined && { fromId: String(fromId) }),
  ...(toId !== undefined && { toId: String(toId) }),
})

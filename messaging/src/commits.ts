import { type RawBuilder, sql } from 'kysely'
import type { Pool } from 'pg'

/** A statement that travels behind a commit, in the same round trip. It sees what was committed. */
export type Rider = {
  text: string
  values: unknown[]
  /** Once, before the commit's caller hears of it: the rows, or nothing where it was not run or failed. */
  onAnswer(rows?: object[]): void
}

/** Follows those commits on a pool of saveRoundTrips that have `announced` something. */
export type CommitFollower = {
  /** Asked as each is sent. */
  rider(): Rider | undefined
  /** Told after each that took no rider along. */
  onCommit(): void
}

const followers = new WeakMap<Pool, Set<CommitFollower>>()

/** Answers the function that ends it. */
export function followCommits(pool: Pool, follower: CommitFollower): () => void {
  const all = followers.get(pool) ?? new Set()
  followers.set(pool, all.add(follower))
  return () => all.delete(follower)
}

export const followersOf = (pool: Pool): Iterable<CommitFollower> => followers.get(pool) ?? []

const mark = '/* followed */ '

/** A statement whose commit is followed. */
export const announced = (statement: RawBuilder<unknown>): RawBuilder<unknown> =>
  sql`${sql.raw(mark)}${statement}`

export const isAnnounced = (text: string): boolean => text.includes(mark)

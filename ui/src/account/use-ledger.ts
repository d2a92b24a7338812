import { type InfiniteData, useInfiniteQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useMemo } from 'react'
import { fetchLedger } from '../api/gateway.ts'
import type { LedgerEntry } from '../api/model.ts'

const pageSize = 100

type Page = { items: LedgerEntry[]; next: string | undefined }
type Ledger = InfiniteData<Page, string | undefined>

/** Entries newest first: older pages on demand, newer ones when the account has changed (`changedAt`). */
export function useLedger(userId: number, changedAt: string | undefined) {
  const queries = useQueryClient()
  const query = useInfiniteQuery({
    queryKey: ['ledger', userId],
    queryFn: ({ pageParam, signal }) => fetchLedger(userId, { limit: pageSize, cursor: pageParam }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: page => page.next,
    staleTime: Number.POSITIVE_INFINITY,
  })
  const newest = query.data?.pages[0]?.items[0]?.created_at
  const isBehind = changedAt !== undefined && newest !== undefined && newest < changedAt

  // biome-ignore lint/correctness/useExhaustiveDependencies: each change of the account is read once
  useEffect(() => {
    if (!isBehind) return
    const stop = new AbortController()
    fetchLedger(userId, { limit: pageSize }, stop.signal)
      .then(page =>
        queries.setQueryData<Ledger>(['ledger', userId], ledger => ledger && withNewest(ledger, page)),
      )
      // Not said here: the next change of the account reads the same entries.
      .catch(() => undefined)
    return () => stop.abort()
  }, [isBehind, changedAt, userId, queries])

  const entries = useMemo(() => (query.data?.pages ?? []).flatMap(page => page.items), [query.data])
  return { ...query, entries }
}

/** Where the newest page does not reach what was known, the entries between are missing: begin again with it. */
export function withNewest(ledger: Ledger, page: Page): Ledger {
  const [first, ...rest] = ledger.pages
  const known = first?.items[0]?.id
  const overlap = page.items.findIndex(({ id }) => id === known)
  if (!first || overlap < 0) return { pages: [page], pageParams: [undefined] }
  if (overlap === 0) return ledger
  return {
    ...ledger,
    pages: [{ ...first, items: [...page.items.slice(0, overlap), ...first.items] }, ...rest],
  }
}

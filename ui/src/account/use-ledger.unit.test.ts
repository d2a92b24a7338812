import { describe, expect, it } from 'vitest'
import type { LedgerEntry } from '../api/model.ts'
import { withNewest } from './use-ledger.ts'

const entries = (...ids: string[]): LedgerEntry[] =>
  ids.map(id => ({
    id,
    user_id: 7,
    kind: 'deposit',
    amount: 1,
    balance_after: 1,
    created_at: '2026-01-01T00:00:00Z',
  }))
const known = {
  pages: [
    { items: entries('3', '2'), next: 'c' },
    { items: entries('1'), next: undefined },
  ],
  pageParams: [undefined, 'c'],
}
const idsOf = (ledger: typeof known) => ledger.pages.flatMap(page => page.items.map(({ id }) => id))

describe('a ledger that was read before', () => {
  it('gets its newer entries on top, each once, and keeps its older pages', () => {
    const joined = withNewest(known as never, { items: entries('5', '4', '3'), next: 'x' }) as typeof known
    expect(idsOf(joined)).toEqual(['5', '4', '3', '2', '1'])
    expect(joined.pages[0]?.next).toBe('c')
  })

  it('stays as it is when there is nothing newer', () => {
    expect(withNewest(known as never, { items: entries('3', '2'), next: 'x' })).toBe(known)
  })

  it('begins again when entries between are missing', () => {
    const joined = withNewest(known as never, { items: entries('9', '8'), next: 'x' }) as typeof known
    expect(idsOf(joined)).toEqual(['9', '8'])
  })
})

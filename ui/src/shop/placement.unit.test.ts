import { beforeEach, describe, expect, it } from 'vitest'
import { memoryStore } from './memory-store.fixture.ts'
import { beginPlacement, endPlacement, unanswered } from './placement.ts'

const draft = { userId: 7, amountMinor: '1050', description: 'Coffee' }
const now = new Date('2026-01-01T00:00:00Z')

describe('a placement', () => {
  let store: Storage
  let keys: number
  const makeKey = () => `key-${++keys}`
  beforeEach(() => {
    store = memoryStore()
    keys = 0
  })

  it('keeps one key for the same draft until it is answered, through retries and a reload', () => {
    const first = beginPlacement(store, draft, makeKey, now)
    expect(beginPlacement(store, { ...draft }, makeKey, now).key).toBe(first.key)
    expect(unanswered(store)).toEqual([first])
    endPlacement(store, first.key)
    expect(unanswered(store)).toEqual([])
    expect(beginPlacement(store, draft, makeKey, now).key).not.toBe(first.key)
  })

  it.each([{ userId: 8 }, { amountMinor: '1051' }, { description: 'Tea' }])(
    'has a key of its own when it differs by %o',
    other => {
      const first = beginPlacement(store, draft, makeKey, now)
      expect(beginPlacement(store, { ...draft, ...other }, makeKey, now).key).not.toBe(first.key)
    },
  )

  it.each(['{', '7', '[null, {"key": 1}]'])('starts afresh where the store holds %s', text => {
    store.setItem('unanswered-placements', text)
    expect(unanswered(store)).toEqual([])
  })

  it('is one of at most twenty', () => {
    for (let i = 1; i <= 25; i++) beginPlacement(store, { ...draft, amountMinor: String(i) }, makeKey, now)
    expect(unanswered(store)).toHaveLength(20)
  })
})

import { balanceMinorMax } from 'edge/money'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Account, decideBalanceChange, decidePayments, makeAccount } from './account.ts'

const now = new Date('2026-01-31T12:00:00Z')
const later = new Date('2026-02-01T12:00:00Z')
const ids = { id: 'account', entryId: 'entry', now }
const accountWith = (balanceMinor: bigint): Account => makeAccount({ userId: 7, balanceMinor }, ids).account

describe('opening', () => {
  test('an opening balance is the first ledger entry', () => {
    const { account, entry } = makeAccount({ userId: 7, balanceMinor: 500n }, ids)
    expect(account).toEqual({ id: 'account', userId: 7, balanceMinor: 500n, createdAt: now, updatedAt: now })
    expect(entry).toEqual({
      id: 'entry',
      userId: 7,
      kind: 'opening',
      amountMinor: 500n,
      balanceAfterMinor: 500n,
      orderId: null,
      createdAt: now,
    })
  })

  test('an empty account has no entry', () => {
    expect(makeAccount({ userId: 7, balanceMinor: 0n }, ids).entry).toBeUndefined()
  })
})

describe('changing a balance', () => {
  const change = (balance: bigint, by: bigint) =>
    decideBalanceChange(accountWith(balance), by, { entryId: 'next', now: later })

  test('a deposit adds, and leaves an entry of it', () => {
    expect(change(500n, 1050n)).toMatchObject({
      kind: 'changed',
      account: { balanceMinor: 1550n, createdAt: now, updatedAt: later },
      entry: { id: 'next', kind: 'deposit', amountMinor: 1050n, balanceAfterMinor: 1550n, createdAt: later },
    })
  })

  test('a withdrawal may take everything, and not a cent more', () => {
    expect(change(500n, -500n)).toMatchObject({
      kind: 'changed',
      account: { balanceMinor: 0n },
      entry: { kind: 'withdrawal', amountMinor: -500n, balanceAfterMinor: 0n },
    })
    expect(change(500n, -501n)).toEqual({ kind: 'insufficient_funds' })
  })

  test('a deposit may fill the account to its limit, and not a cent more', () => {
    expect(change(balanceMinorMax - 1n, 1n)).toMatchObject({ account: { balanceMinor: balanceMinorMax } })
    expect(change(balanceMinorMax, 1n)).toEqual({ kind: 'balance_limit_exceeded' })
  })

  test('what was changed leaves the account that was given as it was', () => {
    const account = accountWith(500n)
    decideBalanceChange(account, 1n, { entryId: 'next', now: later })
    expect(account).toEqual(accountWith(500n))
  })
})

describe('deciding payments', () => {
  const kinds = (balances: [number, bigint][], amounts: [number, bigint][]) =>
    decidePayments(
      new Map(balances),
      amounts.map(([userId, amountMinor]) => ({ userId, amountMinor })),
    ).map(({ kind }) => kind)

  test('a declined order uses up no balance, so that a later one can still be paid', () => {
    const orders: [number, bigint][] = [
      [1, 60n],
      [1, 50n],
      [1, 40n],
      [1, 1n],
    ]
    expect(kinds([[1, 100n]], orders)).toEqual(['debited', 'declined', 'debited', 'declined'])
  })

  test('accounts do not pay for each other', () => {
    expect(
      kinds(
        [
          [1, 10n],
          [2, 10n],
        ],
        [
          [1, 10n],
          [2, 10n],
          [1, 1n],
        ],
      ),
    ).toEqual(['debited', 'debited', 'declined'])
  })

  test('an order of a user without an account is declined with that reason', () => {
    const tasks = [{ userId: 9, amountMinor: 1n }]
    expect(decidePayments(new Map([[1, 5n]]), tasks)).toEqual([
      { kind: 'declined', task: tasks[0], reason: 'account_not_found' },
    ])
  })

  test('the balances given stay as they were', () => {
    const balances = new Map([[1, 10n]])
    decidePayments(balances, [{ userId: 1, amountMinor: 4n }])
    expect(balances).toEqual(new Map([[1, 10n]]))
  })

  const users = fc.integer({ min: 1, max: 4 })
  const batches = fc.record({
    // Few users and small numbers, so that most batches have orders that fit only because others did not.
    opening: fc.dictionary(users.map(String), fc.bigInt({ min: 0n, max: 300n })),
    tasks: fc.array(fc.record({ userId: users, amountMinor: fc.bigInt({ min: 1n, max: 200n }) }), {
      maxLength: 60,
    }),
  })

  test('a batch is decided as if each order came alone, and no balance is ever negative', () => {
    fc.assert(
      fc.property(batches, ({ opening, tasks }) => {
        const balances = new Map(Object.entries(opening).map(([id, balance]) => [Number(id), balance]))
        const decisions = decidePayments(balances, tasks)

        const left = new Map(balances)
        const expected = tasks.map(task => {
          const balance = left.get(task.userId)
          if (balance === undefined) return { kind: 'declined', task, reason: 'account_not_found' }
          if (balance - task.amountMinor < 0n) return { kind: 'declined', task, reason: 'insufficient_funds' }
          left.set(task.userId, balance - task.amountMinor)
          return { kind: 'debited', task, balanceAfterMinor: balance - task.amountMinor }
        })
        expect(decisions).toEqual(expected)
        for (const decision of decisions) {
          if (decision.kind === 'debited') expect(decision.balanceAfterMinor).toBeGreaterThanOrEqual(0n)
        }
        // What left an account is what was paid, to the cent.
        for (const [userId, opened] of balances) {
          const paid = decisions
            .filter(({ kind, task }) => kind === 'debited' && task.userId === userId)
            .reduce((sum, { task }) => sum + task.amountMinor, 0n)
          expect(left.get(userId)).toBe(opened - paid)
        }
      }),
      { numRuns: 500 },
    )
  })
})

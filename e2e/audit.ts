import type { DatabaseAddress } from 'migrations/migrate'
import pg from 'pg'
import type { Acknowledged } from './steady-customers.ts'

/**
 * Looks into both databases, past all of our code, and answers what is wrong: money that does not add up, an
 * acknowledged order that is missing, doubled or unsettled, a decision out of its order. Empty when all is well.
 */
export async function findWrongs(
  databases: { orders: DatabaseAddress; payments: DatabaseAddress },
  acknowledged: Acknowledged,
): Promise<string[]> {
  const [orders, payments] = [new pg.Client(databases.orders), new pg.Client(databases.payments)]
  await Promise.all([orders.connect(), payments.connect()])
  try {
    const rows = async <Row extends object>(client: pg.Client, text: string, userId: number) =>
      (await client.query<Row>(text, [userId])).rows
    const wrongs: string[] = []
    for (const [userId, known] of acknowledged) {
      const wrong = (what: string) => wrongs.push(`user ${userId}: ${what}`)
      const placed = await rows<OrderRow>(
        orders,
        'select id, amount_minor::text as amount, status, reason from orders where user_id = $1 order by id',
        userId,
      )
      const paid = await rows<PaymentRow>(
        payments,
        'select order_id, amount_minor::text as amount, status, reason from payments where user_id = $1',
        userId,
      )
      const [account] = await rows<{ balance: string; sum: string; entries: number }>(
        payments,
        `select balance_minor::text as balance,
                (select sum(amount_minor) from ledger_entries where user_id = $1)::text as sum
         from accounts where user_id = $1`,
        userId,
      )
      const debits = await rows<{ order_id: string; amount: string; balance: string }>(
        payments,
        `select order_id, (-amount_minor)::text as amount, balance_after_minor::text as balance
         from ledger_entries where user_id = $1 and kind = 'payment' order by id`,
        userId,
      )
      const [opening] = await rows<{ amount: string }>(
        payments,
        `select amount_minor::text as amount from ledger_entries where user_id = $1 and kind = 'opening'`,
        userId,
      )

      if (account?.balance !== account?.sum) wrong(`balance ${account?.balance}, ledger ${account?.sum}`)
      const knownIds = known.map(({ id }) => id).toSorted()
      if (String(placed.map(({ id }) => id)) !== String(knownIds)) {
        wrong(`${knownIds.length} orders acknowledged, ${placed.length} in the database`)
      }
      // One at a time, each waiting for the answer before: the order of ids is the order of placing.
      let balance = BigInt(opening?.amount ?? 0)
      const expectedDebits: string[] = []
      for (const { id, amount, status, reason } of placed) {
        const isAffordable = BigInt(amount) <= balance
        const expected = isAffordable ? 'FINISHED' : 'CANCELLED insufficient_funds'
        const actual = reason ? `${status} ${reason}` : status
        if (actual !== expected) wrong(`order ${id} is ${actual}, and should be ${expected}`)
        if (isAffordable) {
          balance -= BigInt(amount)
          expectedDebits.push(`${id} ${amount} ${balance}`)
        }
        const of = paid.filter(({ order_id }) => order_id === id)
        if (of.length !== 1) wrong(`order ${id} has ${of.length} payments`)
        if ((of[0]?.status === 'COMPLETED') !== (status === 'FINISHED'))
          wrong(`order ${id} and its payment disagree`)
        if (of[0]?.amount !== amount) wrong(`order ${id} is of ${amount}, its payment of ${of[0]?.amount}`)
      }
      const actualDebits = debits.map(({ order_id, amount, balance }) => `${order_id} ${amount} ${balance}`)
      if (String(actualDebits) !== String(expectedDebits))
        wrong('debits are not the affordable orders in their order')
      if (paid.length !== placed.length) wrong(`${paid.length} payments for ${placed.length} orders`)
    }
    return wrongs
  } finally {
    await Promise.all([orders.end(), payments.end()])
  }
}

type OrderRow = { id: string; amount: string; status: string; reason: string | null }
type PaymentRow = { order_id: string; amount: string; status: string; reason: string | null }

/** How many orders wait to be settled. */
export async function countUnsettled(database: DatabaseAddress): Promise<number> {
  const client = new pg.Client(database)
  await client.connect()
  try {
    const { rows } = await client.query(
      "select count(*)::int as n from orders where status in ('NEW', 'PENDING_PAYMENT')",
    )
    return rows[0].n
  } finally {
    await client.end()
  }
}

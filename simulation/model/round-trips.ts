import type { Transaction } from 'kysely'

/** What travels together runs one after the other all the same. */
export async function together<DB, First, Second>(
  trx: Transaction<DB>,
  first: (trip: Transaction<DB>) => Promise<First>,
  second: (trip: Transaction<DB>) => Promise<Second>,
): Promise<[First, Second]> {
  return [await first(trx), await second(trx)]
}

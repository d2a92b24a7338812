import type { Transaction } from 'kysely'

/** What travels together runs one after the other all the same. */
export async function together<DB, Answers extends unknown[]>(
  trx: Transaction<DB>,
  ...acts: { [At in keyof Answers]: (trip: Transaction<DB>) => Promise<Answers[At]> }
): Promise<Answers> {
  const answers: unknown[] = []
  for (const act of acts) answers.push(await act(trx))
  return answers as Answers
}

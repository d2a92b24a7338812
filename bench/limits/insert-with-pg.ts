import type { DatabaseAddress } from 'migrations/migrate'
import { startWorker } from '../harness/worker.ts'
import type { InsertQuestions } from './insert-process.ts'

/** What stands in for pgbench where that is not installed. It takes more of the processor, so it inserts less. */
export async function insertWithPg(
  database: DatabaseAddress,
  load: { clients: number; seconds: number },
): Promise<number> {
  const worker = await startWorker<InsertQuestions>(new URL('./insert-process.ts', import.meta.url))
  try {
    return await worker.ask('insert', database, load)
  } finally {
    await worker.stop()
  }
}

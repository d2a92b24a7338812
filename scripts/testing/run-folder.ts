import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Daemon } from '../infrastructure/daemon.ts'
import { isOwnerAlive, RunRecord, readRunRecord, stopOrphans } from '../infrastructure/run-record.ts'

const prefix = 'order-payments-test-'
const recordName = 'run.json'
const stopMsMax = 2000

/** A folder for the servers of one test run or one test, with a record of what runs in it. */
export class RunFolder {
  readonly path: string
  readonly #record: RunRecord<null>

  constructor() {
    this.path = mkdtempSync(join(tmpdir(), prefix))
    // As root Postgres runs as another user, which must be able to pass through.
    chmodSync(this.path, 0o711)
    this.#record = new RunRecord(join(this.path, recordName), null)
  }

  track(daemon: Daemon): void {
    daemon.onSpawn = pid => this.#record.add(daemon.name, pid, daemon.options.stopSignal)
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}

/** Stops and deletes what test runs left behind that were themselves killed. */
export async function sweepAbandonedRuns(): Promise<void> {
  for (const name of readdirSync(tmpdir()).filter(name => name.startsWith(prefix))) {
    const folder = join(tmpdir(), name)
    const state = readRunRecord(join(folder, recordName))
    if (!state || isOwnerAlive(state)) continue
    await stopOrphans(state, stopMsMax)
    rmSync(folder, { recursive: true, force: true })
  }
}

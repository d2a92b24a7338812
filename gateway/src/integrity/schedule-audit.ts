import type { Log } from 'messaging/log'
import cron from 'node-cron'
import type { Auditor } from './auditor.ts'

/** Audits by schedule until stopped. Failures are logged and tried again. */
export function scheduleAudit(auditor: Auditor, schedule: string, log: Log): { stop(): Promise<void> } {
  let running: Promise<void> = Promise.resolve()
  const audit = async () => {
    try {
      await auditor.auditOnce({ isUnhurried: true })
    } catch (err) {
      log.warn({ err }, 'integrity not checked; the next turn tries again')
    }
  }
  const task = cron.schedule(
    schedule,
    () => {
      running = audit()
      return running
    },
    { name: 'integrity-audit', noOverlap: true, unref: true },
  )
  return {
    async stop() {
      await task.destroy()
      await running
    },
  }
}

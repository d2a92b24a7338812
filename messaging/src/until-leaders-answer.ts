import { setTimeout as sleep } from 'node:timers/promises'

const askAgainMs = 50
/** Who asked tries again after a while. */
const waitMsMax = 10_000

/**
 * For a topic that was made just now: its metadata names leaders that do not know it yet, and only they can say when they
 * do. `ask` asks each of them, and rejects while one of them refuses.
 */
export async function untilLeadersAnswer(
  ask: () => Promise<unknown>,
  isClosed: () => boolean,
): Promise<void> {
  for (const endsAt = performance.now() + waitMsMax; ; await sleep(askAgainMs)) {
    try {
      await ask()
      return
    } catch (error) {
      if (isClosed() || performance.now() > endsAt) throw error
    }
  }
}
